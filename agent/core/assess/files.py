"""Configuration and managed files, judged together: everything that is said of them while no process is looked at."""

from collections.abc import Sequence
from dataclasses import dataclass

from agent.core.assess.configured import (
    Configured,
    configured_deviations,
    judge_configured,
    oldest_version,
    organisation_judge,
)
from agent.core.assess.effect import effect_deviations, own_sources
from agent.core.assess.others import other_deviations, other_files
from agent.core.assess.results import Nearest, redact
from agent.core.assess.standing import policy_deviations, policy_row
from agent.core.assess.supply import supply_deviations
from agent.core.assess.terms import Terms
from agent.core.deviation import Deviation
from agent.core.documents import CoverageRow, ManagedFileRow, PolicyRow
from agent.core.memo import Memo
from agent.core.observation import ConfigLook, Coverage, ManagedLook
from agent.core.place import User
from agent.core.policy.evaluate import Judge
from agent.core.policy.near import near_misses
from agent.core.redaction import redact_text
from agent.core.server import Server


@dataclass(frozen=True, slots=True)
class JudgedFiles:
    """What was judged of configuration and managed files together."""

    configured: Configured
    organisation: Judge
    nearest: Nearest
    startable: tuple[Server, ...]
    deviations: tuple[Deviation, ...]
    others: tuple[ManagedFileRow, ...]
    policy: PolicyRow
    coverage: tuple[CoverageRow, ...]


def judge_files(
    looks: tuple[ConfigLook, ...], managed: ManagedLook, installed: frozenset[str], terms: Terms, memo: Memo
) -> JudgedFiles:
    """Judge what the looks at files found; `installed` are the clients of which something is on the device."""
    means = terms.means
    configured = judge_configured(looks, managed, means, memo)
    judge = memo.of(organisation_judge, managed, means, oldest_version(looks))
    nearest = memo.of(_nearest, judge)
    users = memo.same("users of files", tuple(look.user for look in looks))
    startable = tuple(item.server for item in configured.judged if item.server.command is not None)
    return JudgedFiles(
        configured=configured,
        organisation=judge,
        nearest=nearest,
        startable=memo.same("startable", startable),
        deviations=(
            *memo.of(_of_policy, judge, managed, memo.same("installed", installed), terms.policy_required),
            *memo.of(_other_deviations, managed, users),
            *effect_deviations(judge.policy, managed, looks, means.client_version, memo),
            *configured_deviations(configured.judged, nearest, memo),
            *supply_deviations(configured.judged, memo),
        ),
        others=memo.of(other_files, managed, users, means.os),
        policy=memo.of(
            policy_row,
            judge.policy,
            memo.same("sources of users", own_sources(managed, looks, means.client_version, memo)),
        ),
        coverage=(
            *(row for look in looks for row in memo.of(coverage_rows, look.coverage)),
            *memo.of(coverage_rows, managed.coverage),
        ),
    )


def _of_policy(judge: Judge, managed: ManagedLook, installed: frozenset[str], required: bool) -> tuple[Deviation, ...]:  # noqa: FBT001
    return tuple(policy_deviations(judge.policy, managed.documents, installed, required=required))


def _other_deviations(managed: ManagedLook, users: Sequence[User]) -> tuple[Deviation, ...]:
    return tuple(other_deviations(managed, users))


def _nearest(judge: Judge) -> Nearest:
    """Return what tells the entries that nearly match a server; asked only for servers that are blocked."""
    return lambda server: tuple(miss.text for miss in near_misses(judge, server, redact))


def coverage_rows(rows: Sequence[Coverage]) -> tuple[CoverageRow, ...]:
    """Return the rows of the published documents."""
    return tuple(_coverage_row(row) for row in rows)


def _coverage_row(row: Coverage) -> CoverageRow:
    problem = redact_text(row.problem) if row.problem is not None else None
    return CoverageRow(str(row.scope), row.scope.user, row.scope.client, row.state, problem)

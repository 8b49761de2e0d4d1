"""The one function that judges: world in, everything that is said about it out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from agent.core.assess import summary
from agent.core.assess.blind import blind_deviations
from agent.core.assess.causes import circumstances
from agent.core.assess.configured import (
    Configured,
    JudgedServer,
    Means,
    configured_deviations,
    judge_configured,
    organisation_judge,
    server_rows,
    undecided_configured,
    versions_of,
)
from agent.core.assess.degraded import degraded_deviations
from agent.core.assess.effect import effect_deviations
from agent.core.assess.given import given_deviations, judge_given
from agent.core.assess.managed import Ground, ManagedJudgement, judge_managed
from agent.core.assess.others import other_deviations, other_files
from agent.core.assess.results import Nearest, redact
from agent.core.assess.running import (
    JudgedRunning,
    bent_deviations,
    judge_running,
    process_rows,
    running_deviations,
    undecided_running,
)
from agent.core.assess.standing import policy_deviations, policy_row
from agent.core.assess.supply import supply_deviations
from agent.core.baseline.trust import Memory
from agent.core.deviation import Deviation, Findings, Severity
from agent.core.documents import ConditionRow, CoverageRow, ManagedFileRow, PolicyRow, ProcessRow, ServerRow, SummaryRow
from agent.core.observation import Coverage, CoverageState, Scope
from agent.core.policy.evaluate import Judge
from agent.core.policy.near import near_misses
from agent.core.recognition import ClientMarks, recognise
from agent.core.redaction import redact_text
from agent.core.server import Server
from agent.core.world import World


@dataclass(frozen=True, slots=True)
class Terms:
    """What judging needs besides the world: the clients, what is known of them, and the organisation's own severities."""

    means: Means = field(default_factory=Means)
    enforcing: frozenset[str] = frozenset()
    marks: tuple[ClientMarks, ...] = ()
    severities: Mapping[str, Severity] = field(default_factory=dict)
    policy_required: bool = True
    baseline_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything that is said. `complete` is false until every source has looked once: nothing is decided before.

    `memory` is what the next judgement must know of this one.
    """

    complete: bool
    findings: Findings
    policy: PolicyRow | None = None
    servers: tuple[ServerRow, ...] = ()
    processes: tuple[ProcessRow, ...] = ()
    managed_files: tuple[ManagedFileRow, ...] = ()
    coverage: tuple[CoverageRow, ...] = ()
    memory: Memory = field(default_factory=Memory, repr=False)
    summary: SummaryRow = field(default_factory=lambda: SummaryRow("unknown", {}, "Nothing was looked at yet."))

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        """Every failing control."""
        return tuple(self.findings.present.values())


@dataclass(frozen=True, slots=True)
class OfFiles:
    """What was judged of configuration and managed files together."""

    configured: Configured
    organisation: Judge
    startable: tuple[Server, ...]
    deviations: tuple[Deviation, ...]
    others: tuple[ManagedFileRow, ...]
    policy: PolicyRow
    coverage: tuple[CoverageRow, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """What was judged of files alone; kept from one call to the next, because files change less often than processes.

    The managed files are weighed again after each look at them, as a baseline runs out without a change of any file.
    """

    world: World
    files: OfFiles
    managed: ManagedJudgement


def assess(
    world: World,
    terms: Terms,
    before: Judged | None = None,
    *,
    now: float | None = None,
    blind: frozenset[Scope] = frozenset(),
    conditions: Sequence[ConditionRow] = (),
) -> tuple[Assessment, Judged | None]:
    """Judge `world`; pass the second result in again, and what depends on files alone is judged anew only when they changed.

    `now` is Unix time: what has no sign of MCP must have lived for a while to count. `blind` are the scopes that could not be
    looked at for longer than the settings allow. `conditions` are what is wrong with the agent itself.
    """
    if world.configs is None or world.managed is None or world.processes is None:
        return Assessment(complete=False, findings=Findings()), before
    judged = _judged(world, terms, before, now)
    files = judged.files
    given = judge_given(world.processes.given, terms.enforcing.__contains__, files.organisation.verdict)
    running = _running(world, terms, files, given, now)
    known = circumstances(world.managed, files.organisation.policy, terms.enforcing.__contains__)
    found = (
        *judged.managed.deviations,
        *running_deviations(running, _nearest(files.organisation), known),
        *bent_deviations(running),
        *given_deviations(world.processes.given, given),
        *supply_deviations(given),
        *files.deviations,
        *degraded_deviations(conditions),
        *blind_deviations([row for row in world.coverage if row.scope in blind]),
    )
    findings = _findings(world, found, files.configured, running, terms)
    pids: dict[str, list[int]] = {}
    for item in running:
        if item.running.server is not None:
            pids.setdefault(item.running.server.key, []).append(item.running.process.pid)
    servers = server_rows((*files.configured.judged, *given), pids)
    coverage = (*files.coverage, *(_coverage_row(row) for row in (*world.processes.coverage, *world.extra_coverage)))
    present = tuple(findings.present.values())
    return (
        Assessment(
            complete=True,
            findings=findings,
            policy=files.policy,
            servers=servers,
            processes=process_rows(running),
            managed_files=(*judged.managed.rows, *files.others),
            memory=judged.managed.memory,
            coverage=coverage,
            summary=summary.summarise(files.policy, servers, present, coverage, len(running)),
        ),
        judged,
    )


def _judged(world: World, terms: Terms, before: Judged | None, now: float | None) -> Judged:
    assert world.configs is not None and world.managed is not None  # noqa: PT018, S101 - the caller looked
    same = before is not None and before.world.configs == world.configs and before.world.managed == world.managed
    if before is not None and same and before.world.managed is world.managed and before.world.memory == world.memory:
        return before
    users = [look.user for look in world.configs]
    ground = Ground(terms.means.os, terms.baseline_keys, world.memory, now)
    managed = judge_managed(world.managed, users, ground)
    return Judged(world, before.files if before is not None and same else _of_files(world, terms), managed)


def _of_files(world: World, terms: Terms) -> OfFiles:
    assert world.configs is not None and world.managed is not None  # noqa: PT018, S101 - the caller looked
    configured = judge_configured(world.configs, world.managed, terms.means)
    judge = organisation_judge(world.managed, terms.means, versions_of(world.configs))
    users = [look.user for look in world.configs]
    documents, version = world.managed.documents, terms.means.client_version
    return OfFiles(
        configured=configured,
        organisation=judge,
        startable=tuple(item.server for item in configured.judged if item.server.command is not None),
        deviations=(
            *policy_deviations(judge.policy, documents, _installed(world), required=terms.policy_required),
            *other_deviations(world.managed, users),
            *effect_deviations(judge.policy, world.managed, world.configs, version),
            *configured_deviations(configured.judged, _nearest(judge)),
            *supply_deviations(configured.judged),
        ),
        others=other_files(world.managed, users),
        policy=policy_row(judge.policy),
        coverage=tuple(_coverage_row(row) for row in replace(world, processes=None, extra_coverage=()).coverage),
    )


def _nearest(judge: Judge) -> Nearest:
    """Return what tells the entries that nearly match a server; asked only for servers that are blocked."""
    return lambda server: tuple(miss.text for miss in near_misses(judge, server, redact))


def _running(
    world: World, terms: Terms, files: OfFiles, given: Sequence[JudgedServer], now: float | None
) -> tuple[JudgedRunning, ...]:
    assert world.processes is not None  # noqa: S101 - the caller looked
    processes = (*world.processes.processes, *world.processes.ended)
    startable = tuple(item.server for item in given if item.server.command is not None)
    startable = (*files.startable, *startable) if startable else files.startable
    found = recognise(processes, startable, terms.marks, now=now)
    enforcing, artifacts = terms.enforcing.__contains__, world.processes.artifacts
    return judge_running(found, files.configured.verdicts, enforcing, files.organisation.verdict, artifacts)


def _findings(
    world: World,
    found: Sequence[Deviation],
    configured: Configured,
    running: Sequence[JudgedRunning],
    terms: Terms,
) -> Findings:
    weighed = [
        replace(item, severity=terms.severities[item.key.control]) if item.key.control in terms.severities else item
        for item in found
    ]
    return Findings(
        present={item.key: item for item in weighed},
        looked=world.looked,
        inconclusive=frozenset(str(row.scope) for row in world.coverage if not row.state.conclusive),
        undecided=frozenset((*undecided_configured(configured.judged), *undecided_running(running))),
    )


def _installed(world: World) -> frozenset[str]:
    """Return the clients of which something was found on the device."""
    found = {
        row.scope.client
        for row in world.coverage
        if row.scope.client is not None and row.scope.user is not None and row.state is not CoverageState.ABSENT
    }
    return frozenset(found.union(*(look.client_versions for look in world.configs or ())))


def _coverage_row(row: Coverage) -> CoverageRow:
    problem = redact_text(row.problem) if row.problem is not None else None
    return CoverageRow(str(row.scope), row.scope.user, row.scope.client, row.state, problem)

"""The one function that judges: world in, everything that is said about it out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from agent.core.assess.blind import blind_deviations
from agent.core.assess.causes import circumstances
from agent.core.assess.configured import (
    Configured,
    JudgedServer,
    server_rows,
    undecided_configured,
)
from agent.core.assess.degraded import degraded_deviations
from agent.core.assess.files import JudgedFiles, coverage_rows, judge_files
from agent.core.assess.given import given_deviations, judge_given, unread_deviations
from agent.core.assess.managed import Ground, ManagedJudgement, judge_managed
from agent.core.assess.notes import exposed_deviations, noted
from agent.core.assess.others import OwnPolicies
from agent.core.assess.outdated import outdated_deviations
from agent.core.assess.running import (
    JudgedRunning,
    bent_deviations,
    judge_running,
    process_rows,
    running_deviations,
    undecided_running,
)
from agent.core.assess.substituted import substituted_deviations, undecided_substituted
from agent.core.assess.summary import summarise
from agent.core.assess.supply import supply_deviations
from agent.core.assess.terms import Terms
from agent.core.assess.unbound import unbound_deviations
from agent.core.baseline.trust import Memory
from agent.core.deviation import Deviation, Findings
from agent.core.documents import ConditionRow, CoverageRow, ManagedFileRow, PolicyRow, ProcessRow, ServerRow, SummaryRow
from agent.core.memo import Memo
from agent.core.observation import ConfigLook, CoverageState, ManagedLook, Process, ProcessLook, Scope
from agent.core.place import User
from agent.core.policy.provided import CLAUDE_CODE
from agent.core.recognition import Before, ClientMarks, RunningServer, recognise
from agent.core.recognition.clients import index_of
from agent.core.recognition.outliving import kept, started, with_outliving
from agent.core.recognition.recalling import recalled
from agent.core.recognition.signs import SETTLED_AFTER_S
from agent.core.server import Server
from agent.core.world import World


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything that is said. `complete` is false until every source has looked once: nothing is decided before.

    `memory` and `before` are what the next judgement must know of this one; `startable` are the configured servers that would be
    processes.
    """

    complete: bool
    findings: Findings
    policy: PolicyRow | None = None
    servers: tuple[ServerRow, ...] = ()
    processes: tuple[ProcessRow, ...] = ()
    managed_files: tuple[ManagedFileRow, ...] = ()
    coverage: tuple[CoverageRow, ...] = ()
    memory: Memory = field(default_factory=Memory, repr=False)
    startable: tuple[Server, ...] = field(default=(), repr=False)
    before: Before = field(default_factory=Before, repr=False)
    summary: SummaryRow = field(default_factory=lambda: SummaryRow("unknown", {}, "Nothing was looked at yet."))

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        """Every failing control."""
        return tuple(self.findings.present.values())


def assess(
    world: World,
    terms: Terms,
    memo: Memo | None = None,
    *,
    now: float | None = None,
    blind: frozenset[Scope] = frozenset(),
    conditions: Sequence[ConditionRow] = (),
) -> tuple[Assessment, Memo]:
    """Judge `world`, all of it; pass the second result in again, and what rests on values that did not change is not judged anew.

    `now` is Unix time: what has no sign of MCP must have lived for a while to count. `blind` are the scopes that could not be
    looked at for longer than the settings allow. `conditions` are what is wrong with the agent itself.
    """
    memo = memo or Memo()
    if world.configs is None or world.managed is None or world.processes is None:
        return Assessment(complete=False, findings=Findings()), memo
    processes, weighed = world.processes, world.managed
    configs = tuple(memo.same(("look", look.user.name), look) for look in world.configs)
    managed_look = memo.same("managed", weighed)
    world = replace(world, configs=configs, managed=managed_look)
    files = judge_files(configs, managed_look, _installed(world), terms, memo)
    users = memo.same("users", tuple(look.user for look in configs))
    # Weighed again after each look, as a baseline runs out without a change of any file.
    managed = memo.of(_managed, weighed, users, terms, memo.same("memory", world.memory), besides=(now,))
    given = _given(world, terms, files, memo)
    running = _running(world, terms, files, given, now, memo)
    starts = started(world.before.starts, ((item.subject, item.running.process.create_time) for item in running), now)
    running = noted(running, starts, processes)
    known = circumstances(
        weighed,
        files.organisation.policy,
        terms.enforcing.__contains__,
        _versions(configs),
        index_of(terms.marks).misplaced,
        processes.superseded,
    )
    found = (
        *managed.deviations,
        *running_deviations(running, files.nearest, known),
        *bent_deviations(running),
        *exposed_deviations(running, processes),
        *substituted_deviations(running),
        *given_deviations(processes.given, given),
        *_unread(processes, terms, files),
        *unbound_deviations(weighed, (*processes.processes, *processes.ended), _client_of(terms)),
        *supply_deviations(given),
        *files.deviations,
        *degraded_deviations(conditions),
        *outdated_deviations(configs),
        *blind_deviations([row for row in world.coverage if row.scope in blind]),
    )
    findings = _findings(world, found, files.configured, running, terms, memo)
    servers = server_rows((*files.configured.judged, *given), _pids(running), memo)
    coverage = (*files.coverage, *coverage_rows((*processes.coverage, *world.extra_coverage)))
    present = tuple(findings.present.values())
    assessment = Assessment(
        complete=True,
        findings=findings,
        policy=files.policy,
        servers=servers,
        processes=process_rows(running),
        managed_files=(*managed.rows, *files.others),
        memory=managed.memory,
        coverage=coverage,
        summary=summarise(files.policy, servers, present, coverage, len(running)),
        startable=files.startable,
        before=Before(kept((item.running for item in running), processes.processes), starts),
    )
    memo.turn()
    return assessment, memo


def _managed(
    look: ManagedLook, users: Sequence[User], terms: Terms, memory: Memory, now: float | None
) -> ManagedJudgement:
    return judge_managed(look, users, Ground(terms.means.os, terms.baseline_keys, memory, now))


def _given(world: World, terms: Terms, files: JudgedFiles, memo: Memo) -> tuple[JudgedServer, ...]:
    assert world.processes is not None and world.managed is not None  # noqa: PT018, S101 - the caller looked
    if not world.processes.given:
        return ()
    own = OwnPolicies(world.configs or (), world.managed, terms.means.environment, memo)
    organisation = files.organisation.verdict
    return judge_given(
        world.processes.given,
        terms.enforcing.__contains__,
        lambda server: own.judge(server, organisation(server)),
    )


def _unread(look: ProcessLook, terms: Terms, files: JudgedFiles) -> Iterator[Deviation]:
    if files.policy.state == "none":
        return
    yield from unread_deviations(look.given, (*look.processes, *look.ended), _client_of(terms))


def _client_of(terms: Terms) -> Callable[[Process], str | None]:
    index = index_of(terms.marks)
    return lambda process: found.client if (found := index.of(process)) else None


def _running(
    world: World, terms: Terms, files: JudgedFiles, given: Sequence[JudgedServer], now: float | None, memo: Memo
) -> tuple[JudgedRunning, ...]:
    assert world.processes is not None  # noqa: S101 - the caller looked
    looked = world.processes
    processes = memo.same("processes", (*looked.processes, *looked.ended))
    startable = tuple(item.server for item in given if item.server.command is not None)
    startable = memo.same("startable or given", (*files.startable, *startable)) if startable else files.startable
    # Of the time, all that counts is who has not lived for long yet.
    young = frozenset(p.identity for p in processes if now is not None and now - p.create_time < SETTLED_AFTER_S)
    declares = {one: artifact.declares for one, artifact in looked.artifacts.items() if artifact.declares is not None}
    young, declares = memo.same("young", young), memo.same("declares", declares)
    found = memo.of(_recognised, processes, startable, terms.marks, declares, young, besides=(now,))
    before = (*world.before.running, *recalled(world.before.traces, looked.processes, startable))
    found = with_outliving(found, before, looked.processes, frozenset(server.key for server in startable), now)
    enforcing, artifacts = terms.enforcing.__contains__, looked.artifacts
    return judge_running(found, files.configured.verdicts, enforcing, files.organisation.verdict, artifacts)


def _recognised(
    processes: Sequence[Process],
    startable: Sequence[Server],
    marks: Sequence[ClientMarks],
    declares: Mapping[tuple[int, float], str],
    _young: frozenset[tuple[int, float]],
    now: float | None,
) -> tuple[RunningServer, ...]:
    return recognise(processes, startable, marks, now=now, declares=declares)


def _findings(
    world: World,
    found: Sequence[Deviation],
    configured: Configured,
    running: Sequence[JudgedRunning],
    terms: Terms,
    memo: Memo,
) -> Findings:
    weighed = [
        replace(item, severity=terms.severities[item.key.control]) if item.key.control in terms.severities else item
        for item in found
    ]
    return Findings(
        present={item.key: item for item in weighed},
        looked=world.looked,
        inconclusive=frozenset(str(row.scope) for row in world.coverage if not row.state.conclusive),
        undecided=frozenset(
            (
                *undecided_configured(configured.judged, memo),
                *undecided_running(running),
                *undecided_substituted(running),
            )
        ),
    )


def _pids(running: Sequence[JudgedRunning]) -> Mapping[str, Sequence[int]]:
    """Return the root pids of the running servers that an entry yields, by the key of that entry."""
    pids: dict[str, list[int]] = {}
    for item in running:
        if item.running.server is not None:
            pids.setdefault(item.running.server.key, []).append(item.running.process.pid)
    return pids


def _installed(world: World) -> frozenset[str]:
    """Return the clients of which something was found on the device."""
    found = {
        row.scope.client
        for row in world.coverage
        if row.scope.client is not None and row.scope.user is not None and row.state is not CoverageState.ABSENT
    }
    return frozenset(found.union(*(look.client_versions for look in world.configs or ())))


def _versions(looks: Sequence[ConfigLook]) -> Mapping[str, str]:
    """Return the version of each user's client that enforces the policy."""
    return {look.user.name: look.client_versions[CLAUDE_CODE] for look in looks if CLAUDE_CODE in look.client_versions}

"""Looking: the sources over one target, a check, and the terms on which what they see is judged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agent import __version__
from agent.app.listening import set_by_clients
from agent.app.whereto import Habits
from agent.catalog.rows import Catalog, catalog
from agent.config.settings import Settings
from agent.core.assess import Terms, assess
from agent.core.assess.explaining import explain_server, names
from agent.core.assess.report import check_document
from agent.core.assess.terms import Means
from agent.core.baseline.trust import Memory
from agent.core.documents import CheckDocument, DeviceRow
from agent.core.observation import Document
from agent.core.own_places import PLACES
from agent.core.place import Facts, Missing, Os, top_of
from agent.core.policy.expansion import Environment
from agent.core.policy.explain import Explanation
from agent.core.policy.provided import CLAUDE_CODE
from agent.core.recognition import Before
from agent.core.whereto import WhereTo
from agent.core.world import World
from agent.core.writer import Writer
from agent.host.drives import fixed_drives
from agent.host.files import RootedFiles
from agent.host.files_apart import entering
from agent.host.listeners import listens
from agent.host.machine import Machine
from agent.host.permissions import guards_of
from agent.host.processes import PsutilProcessTable
from agent.host.profiles import profile_folders
from agent.host.stores import registry_policies
from agent.host.users import HomeUsers
from agent.ports import CannotStart, Source
from agent.runtime.clock import SystemClock
from agent.sources.artifacts import Artifacts
from agent.sources.configs import ConfigSource
from agent.sources.digests import AT_ONCE_BYTES, Digests
from agent.sources.flags import Flags
from agent.sources.launches import Launches
from agent.sources.managed import ManagedSource, Surroundings, nothing_known
from agent.sources.other_policies import AllManagedSource
from agent.sources.processes import ProcessSource, Readers
from agent.sources.projects import ProjectPlan
from agent.sources.superseding import Superseding
from agent.sources.walk import ProjectWalk
from agent.sources.whereabouts import Whereabouts
from agent.sources.windows_side import DRIVE, inside_windows
from agent.sources.wsl import WithWsl


@dataclass(frozen=True, slots=True)
class Target:
    """What to look at: this machine (`root` None) or another root, and what is known of its clients."""

    root: Path | None = None
    os: Os | None = None
    users: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    client_version: str | None = None
    client_env: Mapping[str, str] = field(default_factory=dict, repr=False)
    client_env_complete: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """What the agent on this machine knows besides what it sees: its memory, who wrote where, and how to look at itself."""

    memory: Memory = field(default_factory=Memory)
    before: Before = field(default_factory=Before)
    own: Callable[[], tuple[Facts, ...]] = tuple
    where_to: WhereTo = field(default_factory=WhereTo)
    writers: Callable[[], Mapping[str, Writer]] = dict


@dataclass(frozen=True, slots=True)
class Eyes:
    """The sources over one target, and the terms on which what they see is judged.

    `memory` and `before` are what the agent on this machine remembers of earlier looks; of another root it remembers nothing.
    """

    device: DeviceRow
    users: HomeUsers
    configs: ConfigSource | WithWsl
    managed: AllManagedSource
    processes: ProcessSource
    digests: Digests
    habits: Habits
    terms: Terms
    memory: Memory = field(default_factory=Memory)
    before: Before = field(default_factory=Before)

    @property
    def sources(self) -> tuple[Source, ...]:
        """All three; processes before configuration, because running clients tell where they keep theirs."""
        return (self.managed, self.processes, self.configs)


def eyes(
    target: Target,
    settings: Settings,
    machine: Machine,
    device: str,
    launches: Launches | None = None,
    known_before: Known | None = None,
) -> Eyes:
    """Put together what looks at `target`; with `launches`, processes are noticed as they start.

    Raises:
        CannotStart: a user is named that the machine does not have.
    """
    known = catalog()
    system = target.os or machine.os
    drives = fixed_drives() if target.root is None else {}
    rooted = RootedFiles(target.root or Path(top_of(machine.os)), system, drives=drives)
    drive = (DRIVE,) if inside_windows(rooted) else ()  # Windows' own, which answers
    files = entering(rooted, frozenset((*settings.looks.network, *drive)))
    profiles = profile_folders if target.root is None else tuple
    users = HomeUsers(files, target.users or settings.looks.users, profiles)
    if unknown := users.unknown():
        raise CannotStart(f"there is no user {', '.join(unknown)} with a home on the examined machine")
    environment = Environment(target.client_env, complete=target.client_env_complete, ignore_case=system == "windows")
    looks = settings.looks
    where_to = known_before.where_to if known_before is not None else WhereTo()
    whereabouts = Whereabouts(known, system, target.client_env, where_to)
    walk = ProjectWalk(files, users, ProjectPlan(known, system), where_to.walks) if looks.walk else None
    habits = Habits(whereabouts, walk)
    digests = Digests(rooted, at_once=AT_ONCE_BYTES if launches is None else 0)
    words = (lambda: launches.words) if launches is not None else frozenset[str]
    artifacts = Artifacts(files, users, known.marks, digests, words)
    processes = ProcessSource(
        _table(known) if target.root is None else None,
        looks.process_interval_s,
        launches,
        readers=Readers(
            Flags(files, users, known.marks),
            artifacts,
            whereabouts,
            listens,
            Superseding(rooted, users, known.marks),
        ),
    )
    configs = ConfigSource(
        files,
        users,
        known,
        projects=(*target.projects, *looks.projects),
        habits=habits,
        interval_s=looks.config_interval_s,
    )
    return Eyes(
        device=_device(target, machine, system, device),
        users=users,
        configs=WithWsl(configs, files, users, known) if system == "windows" else configs,
        managed=AllManagedSource(
            ManagedSource(
                files,
                known[CLAUDE_CODE],
                interval_s=looks.managed_interval_s,
                around=Surroundings(
                    baselines=str(settings.baseline.folder or PLACES[system].baselines),
                    guard=guards_of(rooted.root) if system == machine.os else nothing_known,
                    own=known_before.own if known_before is not None else tuple,
                    writers=known_before.writers if known_before is not None else dict,
                    registry=registry_policies if target.root is None and system == "windows" else None,
                ),
            ),
            files,
        ),
        processes=processes,
        digests=digests,
        habits=habits,
        terms=Terms(
            means=Means(system, environment, target.client_version or settings.policy.client_version),
            enforcing=known.enforcing,
            marks=known.marks,
            severities=settings.severity,
            policy_required=settings.policy.required,
            baseline_keys=settings.baseline.public_keys,
        ),
        memory=known_before.memory if known_before is not None else Memory(),
        before=known_before.before if known_before is not None else Before(),
    )


def look(eyes: Eyes) -> World:
    """Let every source look once."""
    world = World(memory=eyes.memory, before=eyes.before)
    for source in eyes.sources:
        world = world.updated(source.look())
    return world


def check(
    target: Target, settings: Settings, machine: Machine, device: str, known: Known | None = None
) -> CheckDocument:
    """Look once, judge, and return the document; `known` is what the agent on this machine knows from before."""
    known = known if target.root is None else None
    seeing = eyes(target, settings, machine, device, known_before=known)
    assessment, _ = assess(look(seeing), seeing.terms, now=SystemClock().now())
    return check_document(seeing.device, assessment)


def managed_documents(target: Target, machine: Machine) -> tuple[Document, ...]:
    """Return the managed files of `target`, those in the wrong place included."""
    system = target.os or machine.os
    files = RootedFiles(target.root or Path(top_of(machine.os)), system)
    (seen,) = ManagedSource(files, catalog()[CLAUDE_CODE]).look()
    return tuple(item for item in (*seen.documents, *seen.misplaced) if not isinstance(item.content, Missing))


def explain(
    target: Target, settings: Settings, machine: Machine, device: str, wanted: str, known: Known | None = None
) -> tuple[tuple[Explanation, ...], tuple[str, ...]]:
    """Look once; return the explanation of every server that `wanted` names, and the names that there are."""
    seeing = eyes(target, settings, machine, device, known_before=known if target.root is None else None)
    world = look(seeing)
    return explain_server(world, seeing.terms, wanted), names(world, seeing.terms)


def _table(known: Catalog) -> PsutilProcessTable:
    return PsutilProcessTable(set_by_clients(known), known.moving)


def _device(target: Target, machine: Machine, system: Os, device: str) -> DeviceRow:
    live = target.root is None
    return DeviceRow(
        id=device,
        hostname=machine.hostname,
        os=system,
        os_version=machine.os_version if live else "unknown",
        agent_version=__version__,
        examined_root=str(target.root or "/"),
    )

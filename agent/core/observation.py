"""What one look at the machine returns. Level, not edge: a look holds everything that is in its partition now.

Absence of evidence is not evidence: each look carries `coverage`, one row per scope, and only a scope that is `COMPLETE`
or `ABSENT` may resolve a deviation.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal

from agent.core.accounts import Accounts
from agent.core.acl import Guard
from agent.core.artifact import Artifact
from agent.core.place import Content, Facts, Listing, User
from agent.core.redaction import redact_name
from agent.core.server import Problem, Server
from agent.core.superseded import Superseded
from agent.core.writer import Writer

Partition = str
"""Names what a look replaces: `configs:<user>`, `managed`, `processes`. One mailbox slot each."""


class CoverageState(StrEnum):
    """How far a scope could be looked at. Only the first two say anything about what is not there."""

    COMPLETE = "complete"
    ABSENT = "absent"
    UNREADABLE = "unreadable"
    MALFORMED = "malformed"
    SKIPPED = "skipped"
    TIMED_OUT = "timed-out"

    @property
    def conclusive(self) -> bool:
        """True where not seeing a thing means that it is not there."""
        return self in (CoverageState.COMPLETE, CoverageState.ABSENT)


@dataclass(frozen=True, slots=True)
class Scope:
    """One place looked at: a config file of a client and user, the managed files, or the process table."""

    kind: Literal["config", "managed", "process"]
    user: str | None = None
    client: str | None = None
    path: str | None = None

    def __str__(self) -> str:
        return redact_name("/".join([self.kind, *(part for part in (self.user, self.client, self.path) if part)]))


@dataclass(frozen=True, slots=True)
class Coverage:
    """What came of looking at one scope; `problem` is a sentence wherever the state is not conclusive."""

    scope: Scope
    state: CoverageState
    problem: str | None = None


class DocumentKind(StrEnum):
    """The role of a file that decides something about servers: Claude Code's, then those of other clients."""

    MANAGED_SETTINGS = "managed-settings"
    MANAGED_DROPIN = "managed-settings.d"
    MANAGED_MCP = "managed-mcp"
    MANAGED_PREFERENCES = "managed-preferences"  # a macOS profile or HKLM, as the JSON that the client makes of it
    REMOTE_CACHE = "remote-settings"  # what the vendor's server manages, as cached in a user's home
    WINDOWS_SETTINGS = "windows-managed-settings"  # inside WSL: those of the Windows machine around it
    WINDOWS_DROPIN = "windows-managed-settings.d"
    USER_REGISTRY = "user-registry"  # HKCU, which the user writes
    USER_SETTINGS = "user-settings"
    PROJECT_SETTINGS = "project-settings"
    LOCAL_SETTINGS = "local-settings"
    CLIENT_STATE = "client-state"  # ~/.claude.json: servers switched off, projects' approvals
    DESKTOP_POLICY = "claude-desktop-policy"  # a macOS profile or HKLM, as JSON
    DESKTOP_USER_POLICY = "claude-desktop-user-policy"  # HKCU, which the user writes
    CODEX_REQUIREMENTS = "codex-requirements"
    CODEX_PREFERENCES = "codex-managed-preferences"  # a macOS profile, as JSON
    GEMINI_SYSTEM = "gemini-system-settings"
    GEMINI_DEFAULTS = "gemini-system-defaults"
    GEMINI_USER = "gemini-user-settings"
    GEMINI_PROJECT = "gemini-project-settings"
    COPILOT_SETTINGS = "copilot-managed-settings"
    COPILOT_STORE = "copilot-device-policy"  # a macOS profile or HKLM, as JSON
    VSCODE_POLICY = "vscode-policy"  # the file on Linux, a macOS profile or HKLM, as JSON
    VSCODE_USER_POLICY = "vscode-user-policy"  # HKCU, which the user writes


@dataclass(frozen=True, slots=True)
class Document:
    """One policy-relevant file with what was found there. `project` is set for project and local settings.

    `user` is set where a document outside the homes holds for one user alone.
    """

    kind: DocumentKind
    path: str
    content: Content
    project: str | None = None
    user: str | None = None


@dataclass(frozen=True, slots=True)
class BaselineFile:
    """A file that should be a signed baseline, with the detached signature that lies beside it."""

    path: str
    content: Content
    signature: Content


@dataclass(frozen=True, slots=True)
class ConfigLook:
    """All MCP configuration of one user. `projects` are the folders that were looked at, whether they exist or not.

    `repositories` gives the root of the repository that a project lies in, where that is another folder. `apart` says that the
    user lives in a system of its own inside this machine, whose clients its managed files bind only where they say so.
    """

    user: User
    servers: tuple[Server, ...] = ()
    documents: tuple[Document, ...] = ()
    projects: tuple[str, ...] = ()
    repositories: Mapping[str, str] = field(default_factory=dict)
    client_versions: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    apart: bool = False

    @property
    def partition(self) -> Partition:
        """The mailbox slot that this look replaces."""
        return f"configs:{self.user.name}"


@dataclass(frozen=True, slots=True)
class ManagedLook:
    """The managed files: settings, drop-ins in the order of the folder listing, managed-mcp.json.

    `dropin_folder` is the listing of managed-settings.d itself, because an unreadable folder is not an empty one.
    `misplaced` holds paths that are not read by the client but hold a managed file by mistake. `passed` holds documents that were
    seen otherwise since the look before and are as they were again; `touched` says in a sentence, per path, what shows that a
    file was written or its rights were changed although nothing about it differs now. `guards` are what protects the files and
    folders on the way besides owner and mode, by path; `accounts` say who the numbers are. `own` are the facts of what the agent
    itself consists of, empty where it does not run as an administrator: then it is its user's in any case.
    `others` are the managed files of other clients that enforce a policy of their own. `writers` are the processes that last
    wrote at a path, as far as the system told.
    """

    folder: str
    documents: tuple[Document, ...] = ()
    dropin_folder: Listing | None = None
    misplaced: tuple[Document, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    baselines: tuple[BaselineFile, ...] = ()
    passed: tuple[Document, ...] = ()
    touched: Mapping[str, str] = field(default_factory=dict)
    guards: Mapping[str, Guard] = field(default_factory=dict)
    accounts: Accounts = field(default_factory=Accounts)
    own: tuple[Facts, ...] = ()
    others: tuple[Document, ...] = ()
    writers: Mapping[str, Writer] = field(default_factory=dict)

    @property
    def partition(self) -> Partition:
        """The mailbox slot that this look replaces."""
        return "managed"

    def after(self, unread: "ManagedLook") -> "ManagedLook":
        """Return this look with what `unread` saw and this one did not: "was seen" is never overwritten."""
        now = {document.path: document for document in self.documents}
        missed = tuple(
            document
            for document in (*unread.passed, *unread.documents)
            if document not in self.passed and document != now.get(document.path)
        )
        return replace(
            self,
            passed=(*self.passed, *missed),
            touched={**unread.touched, **self.touched},
            writers={**unread.writers, **self.writers},
        )


@dataclass(frozen=True, slots=True)
class Process:
    """One process as the table shows it. Identity is (pid, create_time); `command` may hold secrets.

    `wires` are the descriptors that lead to another process: descriptor → an opaque name that both ends share
    (`pipe:4711`, `socket:4712`). None where the system did not let us look. `marks` are the names of environment
    variables that MCP clients set for their servers, with the value only where it is not personal; None likewise.
    `overrides` are the names of variables there that change what runs (`agent.core.artifact.OVERRIDES`).
    `moves` are the paths that variables name by which clients are told where to keep their configuration.
    `host_wires` are the parent's ends as they were when the process was read: the parent closes them when it ends, or before.
    They are kept until it was judged once; None where the parent tells them by its own `wires`.
    `command` is what was executed, also where the process has written another title over it, as far as it was read before;
    `image` tells one execution of a process from the next (0: not known).
    """

    pid: int
    create_time: float
    ppid: int | None
    name: str
    user: str | None = None
    exe: str | None = None
    command: tuple[str, ...] | None = field(default=None, repr=False)
    cwd: str | None = None
    wires: Mapping[int, str] | None = None
    marks: frozenset[str] | None = None
    host_wires: Mapping[int, str] | None = None
    image: int = 0
    overrides: frozenset[str] | None = None
    moves: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def identity(self) -> tuple[int, float]:
        """A pid is reused; together with the start time it is not."""
        return (self.pid, self.create_time)


@dataclass(frozen=True, slots=True)
class Given:
    """A server that a running client was given by the option `flag` of its command line; or what was wrong with the option.

    `process` is the client's identity.
    """

    process: tuple[int, float]
    flag: str
    server: Server | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class ProcessLook:
    """The process table at one moment; `ended` are processes seen since the last look that are gone again.

    `given` is what clients among both were given on their command lines, `artifacts` what servers among them are, by identity.
    `listens` are the TCP addresses on which servers among them, and what those started, listen. `superseded` are the clients and
    servers whose program was replaced or deleted on disk since they started from it.
    """

    processes: tuple[Process, ...] = ()
    ended: tuple[Process, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    given: tuple[Given, ...] = ()
    artifacts: Mapping[tuple[int, float], Artifact] = field(default_factory=dict)
    listens: Mapping[tuple[int, float], tuple[str, ...]] = field(default_factory=dict)
    superseded: Mapping[tuple[int, float], Superseded] = field(default_factory=dict)

    @property
    def partition(self) -> Partition:
        """The mailbox slot that this look replaces."""
        return "processes"

    def after(self, unread: "ProcessLook") -> "ProcessLook":
        """Return this look with what `unread` saw and this one did not: "was seen" is never overwritten."""
        alive = {process.identity for process in self.processes}
        known = alive | {process.identity for process in self.ended}
        hosts = {process.pid: process.wires for process in unread.processes}
        gone = (_with_ends(p, hosts) for p in unread.processes if p.identity not in known)
        missed = (*(p for p in unread.ended if p.identity not in known), *gone)
        processes = as_noticed(self.processes, unread.processes)
        clients = frozenset(item.process for item in self.given)
        artifacts = {**unread.artifacts, **self.artifacts}
        earlier = tuple(item for item in unread.given if item.process not in clients)
        ended, listens = (*self.ended, *missed), {**unread.listens, **self.listens}
        superseded = {**unread.superseded, **self.superseded}
        given = (*self.given, *earlier)
        return ProcessLook(processes, ended, self.coverage, given, artifacts, listens, superseded)


def as_noticed(now: Sequence[Process], noticed: Iterable[Process]) -> tuple[Process, ...]:
    """Return `now`, those of `noticed` that run on with the wire that they were noticed with.

    A program gives its wire up while it ends, or moves it; where it was seen before it was judged, that counts.
    """
    known = {process.identity: process for process in noticed if process.host_wires is not None}
    return tuple(
        _wired_as(process, known[process.identity]) if process.identity in known else process for process in now
    )


def _wired_as(process: Process, noticed: Process) -> Process:
    if (process.image, process.ppid) != (noticed.image, noticed.ppid):
        return process  # it runs another program, or is another one's child
    return replace(process, wires=noticed.wires, host_wires=noticed.host_wires)


def _with_ends(process: Process, hosts: Mapping[int, Mapping[int, str] | None]) -> Process:
    """Return the process with its parent's ends as they were in the look that it is taken from."""
    ends = None if process.ppid is None else hosts.get(process.ppid)
    if process.host_wires is not None or process.wires is None or ends is None:
        return process
    return replace(process, host_wires=ends)


Look = ConfigLook | ManagedLook | ProcessLook

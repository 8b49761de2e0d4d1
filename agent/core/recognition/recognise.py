"""Walk the process tree from the top and take out the servers, each with its launchers and everything below it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from agent.core.commandline import Argv, base_name
from agent.core.deviation import Evidence
from agent.core.launcher_tables import Kind
from agent.core.launchers import Launch, launch
from agent.core.observation import Process
from agent.core.recognition.clients import ClientIndex, ClientMarks, index_of
from agent.core.recognition.command import installed, spellings
from agent.core.recognition.entries import Entries, Found, entries_of
from agent.core.recognition.explain import explain
from agent.core.recognition.signs import MCPS_OWN, Confidence, Sign, declared, judge, named, ordinary, serves
from agent.core.recognition.tree import Tree
from agent.core.recognition.wire import Wire, Wired, wire
from agent.core.server import Server
from agent.core.wrappers import SHELLS


@dataclass(frozen=True, slots=True)
class RunningServer:
    """One running stdio server. `process` is the topmost process that its host started, `members` all of its tree.

    `command` is what was launched, raw, as well as it can be told from the process table: it may hold secrets. `server` is
    the configured entry that yields it. Where there is none, `alternatives` are the other commands that would look the same
    (npm's title drops `-y`). `client` is None for a host that is no known client; `host` is the process that started it.
    `outlives` says what has gone since, where the server was recognised before and runs on.
    """

    process: Process
    members: tuple[Process, ...]
    client: str | None
    user: str | None
    server: Server | None
    command: Argv = field(repr=False)
    confidence: Confidence
    evidence: tuple[Evidence, ...]
    alternatives: tuple[Argv, ...] = field(default=(), repr=False)
    host: Process | None = None
    outlives: str = ""

    @property
    def pids(self) -> tuple[int, ...]:
        """The pids of all members, the root's first."""
        return tuple(process.pid for process in self.members)

    @property
    def worker(self) -> Process | None:
        """The member that does the work: the first below its launchers and shells; None while they have not started it."""
        current = self.process
        for _ in self.members:
            found = launch(current.command or ())
            if found is None or not _hands_on(current, found):
                return current
            below = [member for member in self.members if member.ppid == current.pid and member is not current]
            if len(below) != 1:
                return None
            current = below[0]
        return None


@dataclass(slots=True)
class _Found:
    """A server while its members are being collected."""

    root: Process
    client: str | None
    entry: Found | None
    launch: Launch | None
    confidence: Confidence
    evidence: tuple[Evidence, ...]
    wire: frozenset[str]
    members: list[Process]
    host: Process

    def finished(self) -> RunningServer:
        server = self.entry[0] if self.entry else None
        first, *others = (server.command,) if server and server.command else spellings(self.root, self.launch)
        return RunningServer(
            self.root,
            tuple(self.members),
            self.client,
            self.root.user,
            server,
            first,
            self.confidence,
            self.evidence,
            tuple(others),
            self.host,
        )


def recognise(
    processes: Sequence[Process],
    servers: Sequence[Server],
    clients: Sequence[ClientMarks],
    *,
    now: float | None = None,
    declares: Mapping[tuple[int, float], str] = MappingProxyType({}),
) -> tuple[RunningServer, ...]:
    """Return the stdio servers among `processes`, in the order of their roots' start; total, never raises.

    `now` (Unix time) lets processes without any sign of MCP's own count only once they have lived for a while; without it
    they count at once. `declares` is what of its metadata says that the package of a process (by identity) is a server. Each
    process belongs to at most one result.
    """
    walk = _Walk(Tree.of(processes), entries_of(tuple(servers)), index_of(tuple(clients)), now, declares)
    found = list(walk.servers())  # members are complete only when the whole tree has been walked
    return tuple(sorted((server.finished() for server in found), key=lambda server: server.process.identity[::-1]))


@dataclass(slots=True)
class _Walk:
    tree: Tree
    entries: Entries
    index: ClientIndex
    now: float | None
    declares: Mapping[tuple[int, float], str]
    seen: set[int] = field(default_factory=set)

    def servers(self) -> Iterator[_Found]:
        stack: list[tuple[Process, _Found | None]] = [(root, None) for root in self.tree.roots]
        while stack:
            process, around = stack.pop()
            if process.pid in self.seen:
                continue
            self.seen.add(process.pid)
            fresh, inner = self._visit(process, around)
            if fresh is not None:
                yield fresh
            stack += [(child, inner) for child in self.tree.below(process)]

    def _visit(self, process: Process, around: _Found | None) -> tuple[_Found | None, _Found | None]:
        """Return the server that begins at `process`, and the one that its children belong to."""
        parent = self.tree.parent(process)
        client = self.index.of(process)
        if client is not None:
            if around is not None:
                around.members.append(process)
                return None, None
            fresh = self._judge(process, parent) if self._serves(process, parent, client) else None
            return fresh, None
        fresh = self._judge(process, parent, around)
        if fresh is None and around is not None:
            around.members.append(process)
            return None, around
        return fresh, fresh

    def _serves(self, process: Process, parent: Process | None, client: ClientMarks) -> bool:
        """A client can be a server too (`claude mcp serve`), a server can bear its name; its forks and helpers are neither."""
        host = self.index.of(parent) if parent is not None else None
        if host is not None and self.entries.find(process, host.client) is not None:
            return True
        found = launch(process.command or ())
        return found is not None and serves(found) and host is not client

    def _judge(self, process: Process, parent: Process | None, around: _Found | None = None) -> _Found | None:
        if parent is None:
            return None
        link = wire(process, parent)
        if around is not None and (link.wired is not Wired.BOTH_WAYS or link.names & around.wire):
            return None
        host = self.index.of(parent)
        if host is None and link.wired is Wired.NO:
            return None  # neither a client nor a wire: nothing below can add up
        line = list(self._line(process, link.names))
        launches = [found for member in line if (found := launch(member.command or ()))]
        entry = self._entry(line, host)
        declares = next((self.declares[member.identity] for member in line if member.identity in self.declares), None)
        own = {Sign.SDK} if declares is not None else set()
        signs = frozenset((*self._signs(process, parent, link, launches, entry), *own))
        if around is not None and not signs & MCPS_OWN:
            return None
        confidence = judge(signs, None if self.now is None else self.now - process.create_time)
        if confidence is None:
            return None
        client, marked = self._client(process, parent, host)
        evidence = explain(signs, launches, entry, client=client, host=parent, marked=marked, declares=declares)
        top = launches[0] if launches else None
        return _Found(process, client, entry, top, confidence, evidence, link.names, [process], parent)

    def _line(self, process: Process, names: frozenset[str]) -> Iterator[Process]:
        """Yield the process and, below launchers and shells, what they handed the wire to; never a client."""
        stack, seen = [process], set[int]()
        while stack:
            member = stack.pop()
            if member.pid in seen:
                continue
            seen.add(member.pid)
            yield member
            found = launch(member.command or ())
            if found is not None and _hands_on(member, found):
                stack += [
                    child
                    for child in self.tree.below(member)
                    if self.index.of(child) is None
                    and (not names or child.wires is None or names & {*child.wires.values()})
                ]

    def _entry(self, line: Sequence[Process], host: ClientMarks | None) -> Found | None:
        for member in line:
            found = self.entries.find(member, host.client if host else None)
            if found is not None:
                return found
        return None

    def _client(self, process: Process, parent: Process, host: ClientMarks | None) -> tuple[str | None, bool]:
        """The client that started it; without one above, the one whose marks it carries (a renamed program)."""
        if host is not None:
            return host.client, False
        above: Process | None = parent
        for _ in range(64):
            if above is None:
                break
            if self.index.of(above) is not None:
                return None, False
            above = self.tree.parent(above)
        marked = self.index.marked(process.marks or ())
        return (marked[0].client, True) if len(marked) == 1 else (None, False)

    def _signs(
        self,
        process: Process,
        parent: Process,
        link: Wire,
        launches: Sequence[Launch],
        entry: Found | None,
    ) -> Iterator[Sign]:
        host = self.index.of(parent)
        top = launches[0] if launches else None
        yield from _wire_signs(link, top, parent)
        if entry is not None:
            yield Sign.ENTRY
        if host is not None:
            yield Sign.CLIENT
            if host.variables & (process.marks or frozenset()):
                yield Sign.MARK
            if host.editor and entry is None:
                yield Sign.EDITOR
        elif self.index.shown(parent, process):  # a client that was renamed
            yield from (Sign.CLIENT, Sign.MARK)
        if any(found.launcher or found.store or installed(found, process) for found in launches):
            yield Sign.LAUNCHER
        if any(map(declared, launches)):
            yield Sign.DECLARED
        elif any(map(named, launches)):
            yield Sign.NAME
        if entry is None and top is not None and ordinary(top):
            yield Sign.ORDINARY


def _hands_on(process: Process, found: Launch) -> bool:
    """Say whether the process only starts the one that does the work, and leaves it the wire."""
    return found.passes_on or base_name((process.command or ("",))[0]) in SHELLS


def _wire_signs(link: Wire, top: Launch | None, parent: Process) -> Iterator[Sign]:
    if link.wired is not Wired.UNKNOWN:
        yield Sign.WIRE if link.wired is Wired.BOTH_WAYS else Sign.NO_WIRE
    if link.wired is not Wired.BOTH_WAYS and top is not None and top.kind is Kind.INLINE:
        yield Sign.SHELL
    started_by = launch(parent.command or ())
    if started_by is not None and started_by.kind is Kind.UNKNOWN and started_by.program in SHELLS:
        yield Sign.TERMINAL

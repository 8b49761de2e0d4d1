"""The configured servers, indexed so that thousands of processes can be compared with them in one sweep."""

from collections.abc import Sequence
from functools import lru_cache

from agent.core.correspondence import Match, Strength, compare, keys, same_words
from agent.core.launcher_tables import Kind
from agent.core.launchers import Launch, launch
from agent.core.observation import Process
from agent.core.server import Server

Found = tuple[Server, Match]
_ORDER = tuple(Strength)


class Entries:
    """Finds the configured entry that a process is what it yields."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self._by_key: dict[str, list[tuple[Server, Launch]]] = {}
        for server in servers:
            found = launch(server.command) if server.command else None
            for key in keys(found) if found else ():
                self._by_key.setdefault(key, []).append((server, found))  # type: ignore[arg-type] # keys implies found

    def find(self, process: Process, client: str | None) -> Found | None:
        """Return the best entry: this client's before another's, the closest before the looser, the user's own first."""
        observed = launch(process.command or ())
        if observed is None or observed.kind is Kind.UNKNOWN:
            return None
        candidates = {
            id(server): (server, ours) for key in keys(observed) for server, ours in self._by_key.get(key, ())
        }
        found = [
            (server, match)
            for server, ours in candidates.values()
            if _may_be_of(server, process) and (match := _match(server, ours, process, observed))
        ]
        return min(found, key=lambda pair: _rank(pair, process, client), default=None)


def _match(server: Server, ours: Launch, process: Process, observed: Launch) -> Match | None:
    if same_words(server.command or (), process.command or ()):
        return Match(Strength.EXACT, "the command line is the configured one, word for word")
    return compare(ours, observed)


def _may_be_of(server: Server, process: Process) -> bool:
    return server.user is None or process.user is None or _account(server.user) == _account(process.user)


def _account(user: str) -> str:
    return user.rsplit("\\", 1)[-1].lower()


def _rank(pair: Found, process: Process, client: str | None) -> tuple[bool, bool, int, bool, str]:
    server, match = pair
    elsewhere = server.project is not None and process.cwd is not None and not _inside(process.cwd, server.project)
    return (server.client != client, server.disabled, _ORDER.index(match.strength), elsewhere, server.key)


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith((folder.rstrip("/\\") + "/", folder.rstrip("/\\") + "\\"))


class _ById:
    """Lets a sequence stand in a cache by identity: entries hold secrets and mappings, and are not hashed."""

    __slots__ = ("servers",)

    def __init__(self, servers: Sequence[Server]) -> None:
        self.servers = servers

    def __hash__(self) -> int:
        return id(self.servers)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ById) and other.servers is self.servers


@lru_cache(maxsize=2)
def _entries(key: _ById) -> Entries:
    return Entries(key.servers)


def entries_of(servers: tuple[Server, ...]) -> Entries:
    """Return the index over `servers`, kept while the same tuple is passed again."""
    return _entries(_ById(servers))

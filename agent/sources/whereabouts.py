"""What running clients tell of where to look: variables and options that move a configuration, and the folders they work in.

An agent that runs as root sees no user's environment but through the processes of that user. What was seen once stays of interest
after the client has ended: the files are still there, and the next session reads them again.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from agent.catalog.paths import is_absolute, is_usual
from agent.catalog.rows import Catalog, ClientRow
from agent.core.observation import Process
from agent.core.place import Os, User, pure_path
from agent.core.recognition.clients import index_of
from agent.core.whereto import Moves, WhereTo
from agent.ports import Wake

MOVED_EACH = 16
FOLDERS_EACH = 200
USERS = 500
"""Sets of variables and working folders that are kept of each user, the newest; and users of whom some are kept."""

_T = TypeVar("_T")


class _Recent(Generic[_T]):
    """The newest things of each user, so many of each."""

    def __init__(self, most: int, before: Mapping[str, tuple[_T, ...]]) -> None:
        self._most = most
        self._kept = {user: dict.fromkeys(things) for user, things in before.items()}

    def add(self, user: str, thing: _T) -> bool:
        """Keep `thing`; return whether it is new."""
        if user not in self._kept and len(self._kept) == USERS:
            del self._kept[next(iter(self._kept))]
        kept = self._kept.setdefault(user, {})
        if thing in kept:
            return False
        if len(kept) == self._most:
            del kept[next(iter(kept))]
        kept[thing] = None
        return True

    def of(self, user: str) -> tuple[_T, ...]:
        """Return what is kept of a user, newest last."""
        return tuple(self._kept.get(user, ()))

    @property
    def all(self) -> Mapping[str, tuple[_T, ...]]:
        """Return everything that is kept, by user."""
        return {user: tuple(things) for user, things in tuple(self._kept.items())}


class Whereabouts:
    """Remembers, for each user, what their clients told; `note` is called with every look at the process table.

    `given` are variables that are known to be set for every client; `before` is what was known when the agent ended.
    """

    def __init__(
        self, catalog: Catalog, os: Os, given: Mapping[str, str] | None = None, before: WhereTo | None = None
    ) -> None:
        self._os: Os = os
        self._given, known = given or {}, before or WhereTo()
        self._catalog, self._index = catalog, index_of(catalog.marks)
        self._moved: _Recent[Moves] = _Recent(MOVED_EACH, known.moves)
        self._folders: _Recent[str] = _Recent(FOLDERS_EACH, known.folders)
        self._noted: frozenset[object] = frozenset()
        self._wake: Wake | None = None

    def subscribe(self, wake: Wake) -> None:
        """Call `wake` when a client is seen that keeps its configuration, or works, where none was seen to before."""
        self._wake = wake

    def note(self, processes: Sequence[Process]) -> None:
        """Take in what the clients among `processes` tell."""
        now = {(*process.identity, process.image, process.cwd): process for process in processes if process.user}
        news = [self._take(process) for key, process in now.items() if key not in self._noted]
        self._noted = frozenset(now)
        if any(news) and self._wake is not None:
            self._wake()

    @property
    def known(self) -> WhereTo:
        """Return everything that is remembered."""
        return WhereTo(self._moved.all, self._folders.all)

    def environments(self, user: User) -> Sequence[Mapping[str, str]]:
        """Return the sets of variables under which clients of `user` have their configuration: the usual, then others."""
        seen = self._moved.of(self._account(user.name))
        mine = (tuple(pair for pair in moves if not is_usual(self._os, *pair, user.home)) for moves in seen)
        return [{**self._given, **dict(moves)} for moves in dict.fromkeys(((), *mine))]

    def projects(self, user: User) -> Sequence[str]:
        """Return the folders in which clients of `user` were seen to work, newest last."""
        return self._folders.of(self._account(user.name))

    def _take(self, process: Process) -> bool:
        client = self._index.of(process)
        if client is None:
            return False
        row, user = self._catalog[client.client], self._account(process.user or "")
        moves = {**dict(process.moves), **dict(self._options(row, process))}
        moved = bool(moves) and self._moved.add(user, tuple(moves.items()))
        works = row.works_where_started and self._is_workplace(process.cwd)
        return (works and self._folders.add(user, process.cwd or "")) or moved

    def _options(self, row: ClientRow, process: Process) -> Iterator[tuple[str, str]]:
        """Yield the variable that stands for each option that moves a configuration, with the path that it names."""
        words = (process.command or ())[1:]
        for number, word in enumerate(words) if row.process.options else ():
            option, equals, value = word.partition("=")
            variable = row.process.options.get(option)
            given = value if equals else "".join(words[number + 1 : number + 2])
            path = str(pure_path(self._os, process.cwd or "") / given)
            if variable is not None and given and is_absolute(self._os, path):
                yield variable, path

    def _is_workplace(self, folder: str | None) -> bool:
        """Say whether somebody could work there: every program that nobody placed stands in the root."""
        if folder is None or not is_absolute(self._os, folder):
            return False
        return folder != pure_path(self._os, folder).anchor

    def _account(self, name: str) -> str:
        r"""Return the name as users have it: the process table of Windows says `DOMAIN\ann`."""
        return name.rsplit("\\", 1)[-1].casefold() if self._os == "windows" else name

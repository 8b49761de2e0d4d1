"""Which running clients and servers go on from a program that was replaced or deleted since.

Asked at each sweep, on behalf of the process's user, of the script that an interpreter runs and of the executable. What stood
there when a process was first seen is remembered for as long as it runs.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Protocol

from agent.core.launchers import launch
from agent.core.observation import Process
from agent.core.place import Content, Data, Facts, User, pure_path
from agent.core.recognition import ClientMarks
from agent.core.recognition.clients import index_of
from agent.core.superseded import Stood, Superseded, stood, superseded
from agent.host.process_reading import GONE
from agent.host.program_links import ProgramLink, program_link
from agent.ports import Files, Hashes, Users

MOST_FILES = 500
"""Which one look asks about."""


class HashedFiles(Files, Hashes, Protocol):
    """Both over one tree."""


_Key = tuple[int, float, int, str]


class Superseding:
    """Finds them. `link` is the system's word on the program of a pid."""

    def __init__(
        self,
        files: HashedFiles,
        users: Users,
        clients: Sequence[ClientMarks],
        link: Callable[[int], ProgramLink] = program_link,
    ) -> None:
        self._files, self._users, self._link = files, users, link
        self._clients = index_of(tuple(clients))
        self._stood: dict[_Key, Stood] = {}

    def among(
        self, processes: Sequence[Process], servers: Collection[tuple[int, float]]
    ) -> Mapping[tuple[int, float], Superseded]:
        """Return the clients among `processes`, and the `servers`, whose program is another one now, by identity."""
        users = {user.name: user for user in self._users.users()}
        asked: dict[tuple[str, str], Content] = {}
        stood_before, self._stood = self._stood, {}
        found: dict[tuple[int, float], Superseded] = {}
        for process in processes:
            user = users.get(process.user or "")
            if user is None or not (process.identity in servers or self._clients.of(process)):
                continue
            link = self._link(process.pid)
            for path in self._programs(process):
                unlinked = link.unlinked and path == process.exe
                content = self._ask(path, user, asked) if link.here else None
                if unlinked and link.here and isinstance(self._ask(path + GONE, user, asked), Data):
                    unlinked = False  # it is called that
                key = (*process.identity, process.image, path)
                before = stood_before.get(key)
                what = superseded(path, content, process.create_time, before, unlinked=unlinked)
                if before is None and what is None and isinstance(content, Data):
                    before = stood(content.facts)
                if before is not None:
                    self._stood[key] = before
                if what is not None:
                    found.setdefault(process.identity, what)
        return found

    def _programs(self, process: Process) -> Iterator[str]:
        """Yield the script, which decides, and the executable."""
        started = launch(process.command or ())
        if started is not None and started.path is not None and not started.bare and process.cwd is not None:
            yield str(pure_path(self._files.os, process.cwd) / started.path)
        if process.exe is not None:
            yield process.exe

    def _ask(self, path: str, user: User, asked: dict[tuple[str, str], Content]) -> Content | None:
        """Return what stands there now, without reading it; None where enough was asked already."""
        key = (path, user.name)
        if key not in asked:
            if len(asked) >= MOST_FILES:
                return None
            asked[key] = self._files.digest(path, reader=user, wanted=_not_read)
        return asked[key]


def _not_read(_: Facts) -> bool:
    return False

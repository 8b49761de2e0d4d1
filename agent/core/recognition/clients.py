"""Which process is an MCP client: by its executable, its package or its bundle, never by a word in its arguments."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from agent.core.brief import remembered
from agent.core.commandline import Argv, base_name, is_loader, slashed
from agent.core.launcher_tables import Kind
from agent.core.launchers import Launch, launch
from agent.core.observation import Process


@dataclass(frozen=True, slots=True)
class ClientMarks:
    """How one client shows in the process table.

    `executables` are base names of its own programs (`claude`; never an interpreter such as `node`). `paths` are runs of
    whole path components found in the path of its program or script (`@openai/codex`, `.bin/gemini`, `Claude.app`).
    `variables` are names of environment variables that it sets for what it starts. `editor` says that it also starts
    language servers and other tools over stdio, so that a wired child alone says nothing. `titles` are what it writes over its
    whole command line: nothing else tells then what an interpreter runs. Whoever takes such a title has its children looked at.
    `handed` are those of the variables that who starts the client sets for it, too.
    """

    client: str
    executables: frozenset[str] = frozenset()
    paths: tuple[str, ...] = ()
    variables: frozenset[str] = frozenset()
    editor: bool = False
    titles: frozenset[str] = frozenset()
    handed: frozenset[str] = frozenset()


_INTERPRETERS = frozenset({"node", "nodejs", "bun", "deno", "python", "python3", "java", "electron", "ruby", "perl"})


class ClientIndex:
    """Finds the client that a process is; remembers the answer for each program path."""

    def __init__(self, clients: Sequence[ClientMarks]) -> None:
        self._clients = tuple(clients)
        self._by_name = {
            base_name(name): client
            for client in reversed(self._clients)
            for name in client.executables
            if base_name(name) not in _INTERPRETERS
        }
        self._by_title = {title: client for client in reversed(self._clients) for title in client.titles}
        self._by_path = remembered(4096)(self._search)

    def of(self, process: Process) -> ClientMarks | None:
        """Return the client that `process` is a process of, None for any other program."""
        command = process.command or ()
        return self._first(_programs(process.exe, command, launch(command))) or self._titled(command)

    def called(self, command: Argv, found: Launch | None) -> ClientMarks | None:
        """Return the client that is called by a command line, `found` being what it launches."""
        return self._first(_programs(None, command, found)) or self._titled(command)

    def misplaced(self, process: Process) -> str | None:
        """Return where the program of a client's process lies, if it is told by its name alone and places of it are known."""
        client = self.of(process)
        if client is None or not client.paths or self._titled(process.command or ()) is not None:
            return None
        programs = _programs(process.exe, process.command or (), launch(process.command or ()))
        return None if any(self._placed(client, path) for path in programs) else programs[0]

    def marked(self, variables: Iterable[str]) -> tuple[ClientMarks, ...]:
        """Return the clients that set one of these variables for what they start."""
        wanted = frozenset(variables)
        return tuple(client for client in self._clients if client.variables & wanted)

    def shown(self, process: Process, child: Process) -> bool:
        """Say whether `process` set for `child` what one client alone sets, and nobody for a client."""
        given = frozenset(child.marks or ()) - frozenset(process.marks or ())
        return (
            process.marks is not None and sum(bool((one.variables - one.handed) & given) for one in self._clients) == 1
        )

    def _first(self, programs: Sequence[str]) -> ClientMarks | None:
        return next((found for path in programs if (found := self._by_path(path)) is not None), None)

    def _titled(self, command: Argv) -> ClientMarks | None:
        """A title stands in the first word, and the rest of the old words is empty."""
        return self._by_title.get(command[0]) if len(command) > 1 and not any(command[1:]) else None

    def _search(self, path: str) -> ClientMarks | None:
        for client in self._clients:
            if self._placed(client, path):
                return client
        return self._by_name.get(base_name(path))

    def _placed(self, client: ClientMarks, path: str) -> bool:
        text = f"/{slashed(path).strip('/')}/".lower()
        return any(f"/{fragment.strip('/').lower()}/" in text for fragment in client.paths)


@lru_cache(maxsize=4)
def index_of(clients: tuple[ClientMarks, ...]) -> ClientIndex:
    """Return the index over `clients`, kept from one sweep to the next."""
    return ClientIndex(clients)


_VERSIONED = re.compile(r"/versions/(\d{1,6}\.\d{1,6}\.\d{1,6})(?:/|$)")


def version_of(process: Process) -> str | None:
    """Return the version that runs, where each is installed in a place of its own that is called by it."""
    found = _VERSIONED.search(slashed(process.exe or ""))
    return found.group(1) if found else None


def _programs(exe: str | None, command: Argv, found: Launch | None) -> list[str]:
    """Return the paths that say which program this is: the executable, and the script that an interpreter runs."""
    if found is not None and (found.passes_on or (found.kind in (Kind.INLINE, Kind.UNKNOWN) and found.wrappers)):
        # A client can be started under the name of a launcher; a launcher is no client, wherever its interpreter lies.
        claims = exe is not None and base_name(exe) != base_name(command[0]) and base_name(exe) not in _INTERPRETERS
        return [exe] if claims and exe is not None else []
    paths = [exe] if exe and not is_loader(exe) else list(command[:1])
    if found is not None and found.path and command and found.path != command[0]:
        paths.append(found.path)
    return paths

"""Which of the programs that start all day can have to do with MCP: asked at every launch, so it must be cheap.

It errs towards yes. What it lets go by is a process that `recognise` would never take for a server, nor for a client.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from agent.core.brief import remembered
from agent.core.commandline import Argv
from agent.core.correspondence import keys
from agent.core.launchers import BRIDGES, launch, launch_anew
from agent.core.observation import Process
from agent.core.recognition.clients import ClientMarks, index_of
from agent.core.recognition.signs import declared, named, ordinary
from agent.core.server import Server


class Role(StrEnum):
    """What a process means for those that it starts."""

    CLIENT = "client"  # whatever it starts, but ordinary tools, may be a server
    LAUNCHER = "launcher"  # it hands a client's wire on
    NONE = "none"  # only what shows a sign of MCP's own can be a server


_OWN_WORDS = ("mcp", "modelcontextprotocol", *BRIDGES)


def keys_of(servers: Sequence[Server]) -> frozenset[str]:
    """Return the words by which these entries go: a process that one of them yields shares at least one."""
    launches = [found for server in servers if server.command and (found := launch(server.command))]
    return frozenset(key for found in launches for key in keys(found))


class Triage:
    """Knows the clients and the words of configured servers; remembers its latest answers."""

    def __init__(self, clients: Sequence[ClientMarks], words: frozenset[str] = frozenset()) -> None:
        self._index = index_of(tuple(clients))
        self._keys = words
        self._words = _folded(_OWN_WORDS) | _folded(self._keys)
        self._clients = _folded(
            name for client in clients for name in (*client.executables, *client.paths, *client.titles)
        )
        self.judge = remembered(1024)(self._judge)

    def role(self, process: Process) -> Role:
        """Return what a process of the table means, by itself."""
        return Role.CLIENT if self._index.of(process) is not None else Role.NONE

    def _judge(self, command: Argv, parent: Role) -> tuple[bool, Role]:
        """Say whether a process of this command line, under such a parent, matters, and what it means for its children."""
        text = _fold("\0".join(command))
        client, own = (any(word in text for word in words) for words in (self._clients, self._words))
        if not client and not own and parent is Role.NONE:
            return False, Role.NONE
        found = launch_anew(command)
        if client and self._index.called(command, found) is not None:
            return True, Role.CLIENT
        if found is None or (parent is Role.NONE and not own):
            return False, Role.NONE
        matters = (own and (declared(found) or named(found) or bool(keys(found) & self._keys))) or (
            parent is not Role.NONE and not ordinary(found)
        )
        passes_on = found.passes_on and (matters or parent is not Role.NONE)
        return matters, Role.LAUNCHER if passes_on else Role.NONE


def _folded(words: Iterable[str]) -> frozenset[str]:
    return frozenset(_fold(word) for word in words)


def _fold(text: str) -> str:
    """Package names are one name in many spellings."""
    return text.lower().replace("_", "-").replace(".", "-").replace("\\", "/")

"""One MCP server: a configured entry (`Server`) as its client reads it.

Values of `command`, `url`, `env` and `headers` may hold secrets. They live in memory only, long enough to be judged;
`agent.core.redaction` stands between them and everything that is stored, printed or sent.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from agent.core.place import Place
from agent.core.redaction import redact_command, redact_name, redact_url


class Transport(StrEnum):
    """How a client talks to a server; `UNKNOWN` where the entry does not tell."""

    STDIO = "stdio"
    HTTP = "http"
    SSE = "sse"
    WS = "ws"
    SDK = "sdk"
    UNKNOWN = "unknown"


class ServerScope(StrEnum):
    """Which of a client's places an entry came from, in the words of Claude Code's documentation where it has one."""

    MANAGED = "managed"
    USER = "user"
    LOCAL = "local"
    PROJECT = "project"
    PLUGIN = "plugin"
    AGENT = "agent"  # an agent file, --agents
    EXTENSION = "extension"
    DYNAMIC = "dynamic"  # --mcp-config, SDK
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A configured server. `command` is `[command, *args]`; `user` is None for entries that hold for the device.

    `project` is the folder for whose sessions the entry counts, None for all. `disabled` means that the entry itself, or the
    client's state, says so. `provenance` is what the client notes of the package that brings the server. A name is a label that a
    user chooses: nothing is identified by it alone.
    """

    client: str
    user: str | None
    scope: ServerScope
    name: str
    place: Place
    transport: Transport
    command: tuple[str, ...] | None = field(default=None, repr=False)
    url: str | None = field(default=None, repr=False)
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    project: str | None = None
    disabled: bool = False
    provenance: Mapping[str, str] = field(default_factory=dict)

    _key: str = field(init=False, repr=False, compare=False, default="")

    @property
    def key(self) -> str:
        """A stable identity: readable in front, and a digest of all that makes it this server and no other.

        The digest is over the redacted texts: it is published, and a secret must not be guessed from it.
        """
        if not self._key:
            object.__setattr__(self, "_key", self._made_key())
        return self._key

    def _made_key(self) -> str:
        identity = [
            self.client,
            self.user,
            self.scope,
            None if self.project is None else redact_name(self.project),
            redact_name(self.place.path),
            redact_name(self.place.pointer),
            redact_name(self.name),
            self.transport,
            None if self.command is None else redact_command(self.command),
            None if self.url is None else redact_url(self.url),
        ]
        import hashlib  # noqa: PLC0415 - it loads OpenSSL, which the process that listens never needs

        digest = hashlib.sha256(json.dumps(identity, ensure_ascii=True).encode()).hexdigest()[:12]
        return f"{self.client}:{self.user or '*'}:{self.scope}:{redact_name(self.name)}:{digest}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an input: where, what, and (in `text`) what to do about it. It costs that alone."""

    place: Place
    code: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"

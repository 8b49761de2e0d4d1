"""What a session of Claude Code starts from, and who its candidates are: whose servers, of which files, in which folder.

A project's `.mcp.json` counts for its folder and all below it; servers and switches of `~/.claude.json` count for the folder
under which the client keeps its state; settings count for the folder that the session runs in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from agent.core.brief import remembered
from agent.core.entry import agent_entries, read_servers
from agent.core.jsontext import JsonError, parse
from agent.core.observation import Document, DocumentKind
from agent.core.place import Listing, Os, User, pure_path
from agent.core.policy.documents import Settings, read_settings
from agent.core.policy.expansion import Environment
from agent.core.policy.flags import NO_FLAGS, Flags
from agent.core.policy.provided import CLAUDE_CODE
from agent.core.server import Server, ServerScope


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """All the inputs.

    `cwd` is the folder it runs in, whose settings count; `project` the folder under which the client keeps its state: the
    repository's root, or `cwd`.

    `documents` are managed, user, project and local settings and the client's state, of any folder: those of other folders are
    left out here. `servers` are candidates of every scope; the organisation's are read from the documents.
    """

    user: User
    cwd: str
    project: str | None = None
    os: Os = "linux"
    documents: tuple[Document, ...] = ()
    dropins: Listing | None = None
    servers: tuple[Server, ...] = ()
    environment: Environment = field(default_factory=Environment)
    flags: Flags = NO_FLAGS
    client_version: str | None = None


@dataclass(frozen=True, slots=True)
class ProjectState:
    """What the client keeps about one project: servers that the user switched off, project servers that were rejected."""

    disabled: frozenset[str] = frozenset()
    rejected: frozenset[str] = frozenset()


def given_servers(session: Session) -> tuple[tuple[Server, ...], str | None]:
    """Return the servers of `--mcp-config`, and what is wrong with one of its values, which keeps the client from starting."""
    servers: list[Server] = []
    for text in session.flags.mcp_config:
        value = _parsed(text)
        entries = value.get("mcpServers") if isinstance(value, dict) else None
        if not isinstance(entries, dict):
            return (), "a value of --mcp-config is no JSON object with mcpServers."
        found, _ = read_servers(
            entries, client=CLAUDE_CODE, user=session.user.name, scope=ServerScope.DYNAMIC, path="--mcp-config"
        )
        servers += found
    return tuple(servers), None


def agents_servers(session: Session) -> tuple[Server, ...]:
    """Return the servers that the agent of `--agent` defines in the text of `--agents`."""
    agents = _parsed(session.flags.agents)
    agent = agents.get(session.flags.agent) if isinstance(agents, dict) else None
    entries = agent_entries(agent.get("mcpServers")) if isinstance(agent, dict) else {}
    scope = ServerScope.AGENT
    return read_servers(entries, client=CLAUDE_CODE, user=session.user.name, scope=scope, path="--agents")[0]


def concerned_servers(session: Session) -> tuple[Server, ...]:
    """Return the candidates that concern this user and folder, without the organisation's."""
    return tuple(
        server
        for server in session.servers
        if server.client == CLAUDE_CODE
        and server.scope is not ServerScope.MANAGED
        and server.user in (None, session.user.name)
        and _in_reach(server, session)
    )


def _in_reach(server: Server, session: Session) -> bool:
    os = session.os
    if server.scope is ServerScope.PROJECT:
        file = pure_path(os, server.place.path)
        folder = file.parent if file.name == ".mcp.json" else pure_path(os, server.project or server.place.path)
        cwd = pure_path(os, session.cwd)
        return folder == cwd or folder in cwd.parents
    if server.project is None:
        return True
    return any(same_path(server.project, path, os) for path in (session.project, session.cwd) if path is not None)


def project_state(session: Session) -> ProjectState:
    """Return what the client's state file says of the session's project."""
    disabled: set[str] = set()
    rejected: set[str] = set()
    for document in session.documents:
        if document.kind is not DocumentKind.CLIENT_STATE:
            continue
        reading = read_settings(document, session.user)
        projects = reading.value.get("projects") if isinstance(reading, Settings) else None
        for path, entry in projects.items() if isinstance(projects, dict) else ():
            if isinstance(entry, dict) and same_path(path, session.project or session.cwd, session.os):
                disabled |= _names(entry, "disabledMcpServers")
                rejected |= _names(entry, "disabledMcpjsonServers")
    return ProjectState(frozenset(disabled), frozenset(rejected))


def _names(entry: Mapping[str, Any], key: str) -> set[str]:
    value = entry.get(key)
    return {name for name in value if isinstance(name, str)} if isinstance(value, list) else set()


def _parsed(text: str | None) -> object:
    try:
        return parse(text) if text is not None else None
    except JsonError:
        return None


def same_path(one: str, other: str, os: Os) -> bool:
    """Say whether two paths are spelt alike, as the operating system takes spelling."""
    return one == other or _spelt(os, one) == _spelt(os, other)


@remembered(4096)  # every project is compared with every other
def _spelt(os: Os, path: str) -> PurePath:
    return pure_path(os, path)

"""A recorded case of the real Claude Code → the tree it ran in and the session it was.

Paths are `/etc/claude-code`, `/home/ann` and `/home/proj`. What a case's `setup` did with a shell is done here by `_SHELL`, or in
`_BY_HAND` where the shell made bytes.
"""

import json
import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agent.core.entry import plugin_servers, read_servers
from agent.core.jsontext import JsonError, decode, decode_utf8, parse
from agent.core.observation import Document, DocumentKind
from agent.core.place import Data, Listing, Names, User
from agent.core.policy.candidates import Session
from agent.core.policy.expansion import Environment
from agent.core.policy.flags import read_flags
from agent.core.policy.rulesets import NEWEST_RECORDED
from agent.core.server import Server, ServerScope
from tests.sim.files import Node, Tree

Case = dict[str, Any]
CORPUS = Path(__file__).parent / "corpus"
ETC, BOX, HOME, PROJECT, PLUGIN = "/etc/claude-code", "/home", "/home/ann", "/home/proj", "/home/plug"
DROPINS = f"{ETC}/managed-settings.d"
_KINDS = {"user": ServerScope.USER, "local": ServerScope.LOCAL, "cli": ServerScope.DYNAMIC}
_AGENT = re.compile(r"^  - (\w+):\n      command: (\w+)\n      args: (\[.*\])$", re.MULTILINE)
_UTF16 = "\ufeff"

_BY_HAND: dict[str, tuple[str, bytes]] = {
    "E21-utf16": (
        "managed-settings.json",
        (_UTF16 + '{"allowedMcpServers": [{"serverCommand": ["npx", "a"]}]}').encode("utf-16-le"),
    ),
    "D119-mm-utf16": (
        "managed-mcp.json",
        (_UTF16 + '{"mcpServers":{"m1":{"command":"npx","args":["m1"]}}}').encode("utf-16-le"),
    ),
    "D120-mm-badutf8": (
        "managed-mcp.json",
        b'{"mcpServers":{"m1":{"command":"npx","args":["m1","\xff\xfe"]}}}',
    ),
    "EA8-big": (
        "managed-settings.json",
        b'{"allowedMcpServers":[{"serverCommand":["npx","a"]}]' + b" " * 3_000_000 + b"}",
    ),
}


def cases() -> Iterator[Case]:
    """Every recorded case."""
    for file in sorted(CORPUS.glob("*.json")):
        yield from _read(file)


def asked() -> Iterator[Case]:
    """Cases that the recordings leave open, put to the same client by `tests.differential.oracle`."""
    yield from _read(CORPUS.parent / "asked.json")


def _read(file: Path) -> Iterator[Case]:
    yield from map(_placed, json.loads(file.read_text()))


@dataclass(frozen=True)
class Recording:
    """The tree, and the session that ran in it."""

    tree: Tree
    session: Session


def recording(case: Case) -> Recording:
    """Build the case."""
    tree = planted(case)
    user = User("ann", HOME, case.get("uid", 0), frozenset({case.get("uid", 0)}))
    env = {"HOME": HOME, "PATH": "/usr/bin", **case.get("env", {})}
    cwd = folder(case)
    config = env.get("CLAUDE_CONFIG_DIR")
    state, settings = _user_files(tree, config)
    listing, documents = _documents(tree, state, settings, cwd)
    sideloaded = ["--plugin-dir", PLUGIN] if "plugin" in case.get("servers", {}) else []
    flags = read_flags([*case.get("args", ()), *sideloaded], lambda _: None)
    servers = (*_configured(tree, case, state, cwd), *_agents(tree, case))
    session = Session(
        user=user,
        cwd=cwd,
        project=PROJECT if cwd.startswith(PROJECT) and _is_repository(case) else cwd,
        documents=documents,
        dropins=listing,
        servers=servers,
        environment=Environment(env, complete=True),
        flags=flags,
        client_version=version_of(case),
    )
    return Recording(tree, session)


def version_of(case: Case) -> str:
    """Return the version of the client that was asked, the one of the corpus where the case does not say."""
    return case["client"].split()[1] if "client" in case else NEWEST_RECORDED


def stated(case: Case, version: str) -> Case:
    """Return the case for a client of that version."""
    return {**case, "client": f"claude-code {version} linux-x64"}


def _is_repository(case: Case) -> bool:
    """Say whether the case makes the project a repository, below whose root the client keeps its state."""
    return "git init" in case.get("setup", "") or any(path.startswith("proj/.git/") for path in case.get("files", ()))


def write(tree: Tree, root: Path) -> None:
    """Put a simulated tree on the disk below `root`; owners are left alone."""
    for parts, node in sorted(tree.nodes().items()):
        path = root.joinpath(*parts)
        if node.kind == "folder":
            path.mkdir(exist_ok=True)
        elif node.kind == "link":
            path.symlink_to(node.raw.decode())
        elif node.kind == "other":
            os.mkfifo(path)
        else:
            path.write_bytes(node.raw)
        if node.kind != "link":
            path.chmod(node.mode)


def folder(case: Case) -> str:
    """Return the folder that the client ran in."""
    return _at(case["cwd"]) if "cwd" in case else PROJECT


def _at(path: str) -> str:
    """Return where a path of a case stands: below `etc`, the home, the project, or the folder above both."""
    top, _, rest = path.partition("/")
    base = {"etc": ETC, "home": HOME, "proj": PROJECT}.get(top, f"{BOX}/{top}")
    return f"{base}/{rest}" if rest else base


def _placed(case: Case) -> Case:
    """Put the folders' names in."""
    text = json.dumps(case)
    for name, path in (("{home}", HOME), ("{project}", PROJECT), ("{box}", BOX)):
        text = text.replace(name, path)
    placed: Case = json.loads(text)
    return placed


def _raw(value: object) -> bytes:
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", errors="surrogateescape")


def planted(case: Case) -> Tree:
    """Return the file tree of a case."""
    tree = Tree({"/etc/hostname": "box\n", "/dev/null": Node("other"), PROJECT: Node.folder(), HOME: Node.folder()})
    if not case.get("no_etc"):
        tree.put(ETC, Node.folder())
    places = {
        "managed_settings": f"{ETC}/managed-settings.json",
        "managed_mcp": f"{ETC}/managed-mcp.json",
        "user_settings": f"{HOME}/.claude/settings.json",
        "project_settings": f"{PROJECT}/.claude/settings.json",
        "local_settings": f"{PROJECT}/.claude/settings.local.json",
    }
    for key, path in places.items():
        if key in case:
            tree.put(path, _raw(case[key]))
    for name, value in case.get("managed_settings_d", {}).items():
        tree.put(f"{DROPINS}/{name}", _raw(value))
    servers = case.get("servers", {})
    state: dict[str, Any] = {
        "mcpServers": servers.get("user", {}),
        "projects": {PROJECT: case.get("project_state", {})},
    }
    state["projects"][PROJECT] = {"mcpServers": servers.get("local", {}), **state["projects"][PROJECT]}
    tree.put(f"{HOME}/.claude.json", _raw(state))
    for key, folder in (("project", PROJECT), ("parent", BOX)):
        if key in servers:
            value = servers[key]
            tree.put(f"{folder}/.mcp.json", _raw(value if isinstance(value, str) else {"mcpServers": value}))
    for path, text in case.get("files", {}).items():
        tree.put(_at(path), _raw(text))
    if case["id"] in _BY_HAND:
        name, raw = _BY_HAND[case["id"]]
        tree.put(f"{ETC}/{name}", raw)
    else:
        _shell(tree, case.get("setup", ""))
    return tree


def _shell(tree: Tree, script: str) -> None:
    for line in script.split(";"):
        words = shlex.split(line)
        if words:
            _SHELL[words[0]](tree, words[1:])


def _path(word: str) -> str:
    return ETC + word.removeprefix("etc") if word.startswith("etc") else word


def _node(tree: Tree, path: str) -> Node:
    content = tree.read(path)
    if isinstance(content, Data):
        return Node(raw=content.raw, mode=content.facts.mode, uid=content.facts.uid, gid=content.facts.gid)
    return Node.folder()


def _chmod(tree: Tree, words: list[str]) -> None:
    for word in words[1:]:
        tree.put(_path(word), replace(_node(tree, _path(word)), mode=int(words[0], 8)))


def _chown(tree: Tree, words: list[str]) -> None:
    uid, gid = map(int, words[0].split(":"))
    for word in words[1:]:
        tree.put(_path(word), replace(_node(tree, _path(word)), uid=uid, gid=gid))


def _nothing(tree: Tree, words: list[str]) -> None:
    """What matters to a session is not in it (`git init`, `true`)."""


_SHELL = {
    "chmod": _chmod,
    "chown": _chown,
    "mkdir": lambda tree, words: [tree.put(_path(word), Node.folder()) for word in words if word != "-p"],
    "ln": lambda tree, words: tree.put(_path(words[2]), Node.link(words[1])),
    "echo": lambda tree, words: tree.put(_path(words[2]), words[0] + "\n"),
    "git": _nothing,
    "true": _nothing,
}


def _user_files(tree: Tree, config: str | None) -> tuple[str, str]:
    """Return where the client's state and the user's settings stand."""
    if config is not None:
        return f"{config}/.claude.json", f"{config}/settings.json"
    legacy = f"{HOME}/.claude/.config.json"
    state = legacy if isinstance(tree.read(legacy), Data) else f"{HOME}/.claude.json"
    return state, f"{HOME}/.claude/settings.json"


def _documents(tree: Tree, state: str, settings: str, cwd: str) -> tuple[Listing, tuple[Document, ...]]:
    kinds: list[tuple[DocumentKind, str, str | None]] = [
        (DocumentKind.MANAGED_SETTINGS, f"{ETC}/managed-settings.json", None),
        (DocumentKind.MANAGED_MCP, f"{ETC}/managed-mcp.json", None),
        (DocumentKind.USER_SETTINGS, settings, None),
        (DocumentKind.REMOTE_CACHE, settings.removesuffix("settings.json") + "remote-settings.json", None),
        (DocumentKind.CLIENT_STATE, state, None),
    ]
    for folder in {PROJECT, cwd}:
        kinds.append((DocumentKind.PROJECT_SETTINGS, f"{folder}/.claude/settings.json", folder))
        kinds.append((DocumentKind.LOCAL_SETTINGS, f"{folder}/.claude/settings.local.json", folder))
    listing = tree.names(DROPINS)
    names = listing.names if isinstance(listing, Names) else ()
    kinds += [(DocumentKind.MANAGED_DROPIN, f"{DROPINS}/{name}", None) for name in names]
    return listing, tuple(Document(kind, path, tree.read(path), project) for kind, path, project in kinds)


def _configured(tree: Tree, case: Case, state: str, cwd: str) -> Iterator[Server]:
    value = _value(tree, state)
    yield from _servers(value.get("mcpServers", {}), ServerScope.USER, state)
    projects = value.get("projects")
    for path, entry in projects.items() if isinstance(projects, dict) else ():
        own = entry.get("mcpServers") if isinstance(entry, dict) else None
        yield from _servers(own, ServerScope.LOCAL, state, project=path)
    for folder in {BOX, PROJECT, cwd, HOME}:
        found = _value(tree, f"{folder}/.mcp.json")
        yield from _servers(found.get("mcpServers"), ServerScope.PROJECT, f"{folder}/.mcp.json", project=folder)
    given = case.get("servers", {})
    yield from _servers(given.get("cli", {}), ServerScope.DYNAMIC, "--mcp-config")
    plugin = tuple(_servers(given.get("plugin", {}), ServerScope.PLUGIN, f"{PLUGIN}/.mcp.json"))
    yield from plugin_servers(plugin, plugin="plug", root=PLUGIN)


def _agents(tree: Tree, case: Case) -> Iterator[Server]:
    if "--agent" not in case.get("args", ()):
        return
    path = f"{HOME}/.claude/agents/foo.md"
    content = tree.read(path)
    if isinstance(content, Data):
        for name, command, args in _AGENT.findall(decode(content.raw)):
            entry = {"command": command, "args": json.loads(args)}
            yield from _servers({name: entry}, ServerScope.AGENT, path)


def _servers(value: object, scope: ServerScope, path: str, *, project: str | None = None) -> tuple[Server, ...]:
    servers, _ = read_servers(value, client="claude-code", user="ann", scope=scope, path=path, project=project)
    return servers


def _value(tree: Tree, path: str) -> dict[str, Any]:
    content = tree.read(path)
    try:
        value = parse(decode_utf8(content.raw)) if isinstance(content, Data) else {}
    except JsonError:
        return {}
    return value if isinstance(value, dict) else {}

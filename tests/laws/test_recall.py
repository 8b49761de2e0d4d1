"""A look that builds on the looks before it sees what a look that knows nothing sees, whatever happened in between."""

import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.catalog.rows import Catalog, catalog
from agent.core.observation import ConfigLook, Document
from agent.core.place import Data
from agent.host.users import HomeUsers
from agent.sources.configs import ConfigSource
from agent.sources.recall import Recall
from tests.sim.files import Node, Tree

HOME = "/home/ann"
CATALOG = Catalog(tuple(catalog()[client] for client in ("claude-code", "cursor", "gemini-cli", "vscode")))
STATE = f"{HOME}/.claude.json"
SERVERS = {"mcpServers": {"s": {"command": "run"}}}
PATHS = st.sampled_from(
    [
        STATE,
        f"{HOME}/.claude",
        f"{HOME}/.claude/settings.json",
        f"{HOME}/.cursor/mcp.json",
        f"{HOME}/.cursor",
        f"{HOME}/.gemini/settings.json",
        f"{HOME}/.config/Code/User/profiles/x/mcp.json",
        f"{HOME}/dotfiles/cursor/mcp.json",
        f"{HOME}/src",
        f"{HOME}/src/one",
        f"{HOME}/src/one/.git",
        f"{HOME}/src/one/.mcp.json",
        f"{HOME}/src/one/.vscode/mcp.json",
        f"{HOME}/src/.mcp.json",
        f"{HOME}/src/.git",
        f"{HOME}/two/.cursor/mcp.json",
        "/etc/claude-code/managed-mcp.json",
        "/home/ben/.claude.json",
        "/home/ben",
    ]
)
WHATS = st.sampled_from(
    [
        json.dumps(SERVERS),
        json.dumps({"mcpServers": {"s": {"command": "mad"}}}),  # as long as the one before
        json.dumps({**SERVERS, "projects": {f"{HOME}/src/one": {}, f"{HOME}/two": {"mcpServers": {}}}}),
        "{",
        "",
        Node.folder(),
        Node.folder(0o700, uid=1),
        Node.fifo(),
        Node(raw=json.dumps(SERVERS).encode(), mode=0o600),
        Node.link("../dotfiles/cursor"),
        Node.link("dotfiles/cursor/mcp.json"),
        Node.link("/etc/shadow"),
        Node.link("nowhere"),
    ]
)
CHANGES = st.lists(st.tuples(PATHS, st.none() | WHATS), min_size=1, max_size=3)


@settings(max_examples=60)
@given(steps=st.lists(CHANGES, min_size=1, max_size=6), clock=st.sampled_from([None, 1]))
def test_a_warm_look_sees_what_a_cold_one_sees(
    steps: list[list[tuple[str, str | Node | None]]], clock: int | None
) -> None:
    """With `clock` time stands still: nothing tells of a change, and what is there is too young to be trusted."""
    tree = Tree({HOME: Node.folder(0o755, 1000, 1000), STATE: json.dumps(SERVERS)}, clock_ns=clock)
    now = 1 if clock else 10**18
    warm = ConfigSource(tree, HomeUsers(tree), CATALOG, recall=Recall(now_ns=lambda: now))
    for step in steps:
        for path, what in step:
            if what is None:
                tree.remove(path)
            else:
                tree.put(path, what)
        cold = ConfigSource(tree, HomeUsers(tree), CATALOG)
        assert _seen(warm) == _seen(cold)
        assert set(warm.watched()) == set(cold.watched())


def _seen(source: ConfigSource) -> list[ConfigLook]:
    return [replace(look, documents=tuple(map(_without_way, look.documents))) for look in source.look()]


def _without_way(document: Document) -> Document:
    """Take the times from what was only passed, and from what could not be read: they say nothing of the file."""
    content = document.content
    read = content.access[-1:] if isinstance(content, Data) else ()
    way = content.access[: len(content.access) - len(read)]
    still = (f if f.kind == "link" else replace(f, mtime_ns=0, ctime_ns=0, size=0) for f in way)
    return replace(document, content=replace(content, access=(*still, *read)))

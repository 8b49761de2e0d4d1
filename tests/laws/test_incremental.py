"""Judging on from the judgement before says what judging everything anew says, after any sequence of changes."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.catalog.rows import Catalog, catalog
from agent.core.assess import Terms, assess
from agent.core.memo import Memo
from agent.core.observation import Process, ProcessLook
from agent.core.policy.provided import CLAUDE_CODE
from agent.core.world import World
from agent.host.users import HomeUsers
from agent.sources.configs import ConfigSource
from agent.sources.managed import ManagedSource
from agent.sources.other_policies import AllManagedSource
from tests.sim.files import Node, Tree

CATALOG = Catalog(tuple(catalog()[client] for client in (CLAUDE_CODE, "codex", "cursor", "gemini-cli")))
TERMS = Terms(enforcing=CATALOG.enforcing, marks=CATALOG.marks)
ANN, BEN = "/home/ann", "/home/ben"
PROJECT = f"{ANN}/src/one"


def entries(*commands: str, **more: object) -> str:
    servers = {f"s{number}": {"command": command} for number, command in enumerate(commands)}
    return json.dumps({"mcpServers": servers, **more})


def policy(*commands: str, **more: object) -> str:
    return json.dumps({"allowedMcpServers": [{"serverCommand": [command]} for command in commands], **more})


STATES = [
    entries("run", projects={PROJECT: {"mcpServers": {"local": {"command": "run"}}}}),
    entries("run", projects={PROJECT: {"disabledMcpjsonServers": ["s0"]}, f"{ANN}/src": {}}),
    entries("bad", "${TOOL}", projects={PROJECT: {"disabledMcpServers": ["s0"]}}),
]
CHANGES = st.one_of(
    st.tuples(
        st.sampled_from(["/etc/claude-code/managed-settings.json", "/etc/claude-code/managed-settings.d/1.json"]),
        st.sampled_from(
            [
                policy("run", allowManagedMcpServersOnly=True),
                policy("bad"),
                json.dumps({"deniedMcpServers": [{"serverName": "s0"}]}),
                Node(raw=policy("run").encode(), mode=0o666),
                "{",
                None,
            ]
        ),
    ),
    st.tuples(
        st.sampled_from(["/etc/claude-code/managed-mcp.json", f"{PROJECT}/.mcp.json", f"{ANN}/src/.mcp.json"]),
        st.sampled_from([entries("run"), entries("bad", "run"), "", None]),
    ),
    st.tuples(
        st.just("/etc/codex/requirements.toml"),
        st.sampled_from(['[mcp_servers.s0.identity]\ncommand = "run"\n', "[", None]),
    ),
    st.tuples(
        st.just(f"{ANN}/.codex/config.toml"),
        st.sampled_from(['[mcp_servers.s0]\ncommand = "run"\n', '[mcp_servers.s0]\ncommand = "bad"\n', None]),
    ),
    st.tuples(st.sampled_from([f"{ANN}/.claude.json", f"{BEN}/.claude.json"]), st.sampled_from([*STATES, None])),
    st.tuples(
        st.sampled_from([f"{ANN}/.cursor/mcp.json", f"{BEN}/.cursor/mcp.json", f"{PROJECT}/.cursor/mcp.json"]),
        st.sampled_from([entries("run", "bad"), entries("npx"), "{", None]),
    ),
    st.tuples(
        st.sampled_from([f"{ANN}/.claude/settings.json", f"{PROJECT}/.claude/settings.local.json"]),
        st.sampled_from([policy("bad"), json.dumps({"env": {"TOOL": "run"}}), None]),
    ),
    st.tuples(st.just(f"{PROJECT}/.git"), st.sampled_from([Node.folder(), None])),
)


def running(command: str | None) -> ProcessLook:
    host = Process(10, 1.0, 1, "codex", "ann", "/usr/bin/codex", ("codex",), wires={5: "pipe:1", 6: "pipe:2"})
    if command is None:
        return ProcessLook((host,))
    wires = {0: "pipe:1", 1: "pipe:2"}
    return ProcessLook((host, Process(11, 999.0, 10, command, "ann", f"/usr/bin/{command}", (command,), wires=wires)))


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.lists(CHANGES, max_size=3), st.sampled_from([None, "run", "other"]), st.booleans()),
        min_size=2,
        max_size=6,
    )
)
def test_the_judgement_is_the_same_whatever_was_judged_before(
    steps: list[tuple[list[tuple[str, str | Node | None]], str | None, bool]],
) -> None:
    homes = {home: Node.folder(0o755, uid, uid) for uid, home in enumerate((ANN, BEN), 1000)}
    tree = Tree({**homes, f"{ANN}/.claude.json": STATES[0], f"{BEN}/.claude.json": STATES[2]})
    configs = ConfigSource(tree, HomeUsers(tree), CATALOG)
    managed = AllManagedSource(ManagedSource(tree, CATALOG[CLAUDE_CODE]), tree)
    world, memo = World(configs=tuple(configs.look())).updated(managed.look()), Memo()
    now = 1000.0
    for changes, command, sweep in steps:
        for path, what in changes:
            if what is None:
                tree.remove(path)
            else:
                tree.put(path, what)
        world = world.updated(configs.look()).updated((running(command),))
        if sweep:  # time goes on: what has no sign of MCP counts once it has run for a while
            world, now = world.updated(managed.look()), now + 3.0
        found, memo = assess(world, TERMS, memo, now=now)
        assert found == assess(world, TERMS, now=now)[0]

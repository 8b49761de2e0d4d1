"""How well running servers are recognised: the figures in `docs/recognition.md`, made from the recorded process trees.

`python -m tests.golden.figures` writes it anew; a test holds it to the trees.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from agent.core.recognition import Sign, recognise
from agent.core.recognition.explain import TEXTS
from agent.core.recognition.signs import HIGH_FROM, MCPS_OWN, MEDIUM_FROM, POINTS, SETTLED_AFTER_S, THRESHOLD
from tests.golden.trees import CLIENTS, FOLDER, Case, processes, servers

FIGURES = Path(__file__).parents[2] / "docs" / "recognition.md"
_NOW = 2000.0
_SETS = {
    "clients": "Claude Code, Codex, Gemini CLI, opencode and Qwen Code starting npm and PyPI servers",
    "probes": "the same clients starting a script, with and without an entry that names it",
    "npx": "npx and npm exec, bare and under sh, bash and env, under an unknown host",
    "uv": "uvx, uv tool run and uv run, under an unknown host",
    "uv2": "uvx with another server, under an unknown host",
    "javascript": "bunx, pnpm dlx, deno, pipx, node and a program of a package, under an unknown host",
    "more": "python -m, a virtual environment, uv tool, pipx and further forms of npx, under an unknown host",
    "bridges": "mcp-remote, supergateway, mcp-proxy, under an unknown host",
    "sessions": "Claude Code, Codex, Gemini CLI and opencode in a session: five launchers, shells, language servers",
    "agents": "Copilot CLI and Auggie starting a server of an npm package, through a shell too",
    "decoys": "no server: language servers, git, ripgrep, shells and test runs of an agent and an editor, wired as servers are",
}

_HEAD = """# Recognition

How well running servers are recognised, measured on process trees that were recorded on Linux from real clients and launchers
(`tests/golden/processes/README.md` says how). Made from them by `make docs`, not by hand.

A server counts as found where its topmost process, its client and all of its processes are right; anything else that is taken
for a server is a false one. Precision is the share of what was taken for a server that is one, recall the share of the servers
that was found. The second pair of figures is of the same trees as if no configuration named any of the servers.

The rules were written with these trees at hand, and the trees are few: the figures say that nothing which was seen is got wrong,
not how often something new would be. Nothing was recorded on macOS and Windows.

How it does on trees that it has not seen was measured once, when the sessions were recorded and before any rule was changed for
them: recall 100.0% (24 of 24 servers), precision 85.7% (24 of 28), with and without configuration alike. The four false ones were
language servers that opencode had started (`ty`, `pyrefly`, `vtsls`, `svelteserver`), taken for servers of low confidence; five
more that it had started, and everything that ran in the shells of the four clients, were not. Those four are known now. A
language server that the rules do not know, under a client that is no editor, is still taken for a server of low confidence.
"""

_SIGNS = f"""
What a process shows is weighed. From {THRESHOLD} points on it is taken for a server, if one of the signs is MCP's own or an agent
has kept it running for {SETTLED_AFTER_S:.0f} seconds; from {MEDIUM_FROM} on with medium confidence, from {HIGH_FROM} on under a
known client with high. Without a sign of MCP's own confidence is low, and a mere guess raises no deviation.
"""
_WORDS = {
    Sign.ENTRY: "it is what a configured entry yields",
    Sign.ORDINARY: "it is a tool that clients and editors start all day",
}


def document() -> str:
    """Return the whole document."""
    cases = {name: json.loads((FOLDER / f"{name}.json").read_text("utf-8")) for name in _SETS}
    return "\n".join([_HEAD, *_rows(cases), _SIGNS, *_weights(), ""])


def _weights() -> Iterator[str]:
    yield "| sign | points | in words |"
    yield "|---|---|---|"
    names = {
        "client": "the client",
        "host": "its parent",
        "package": "NAME",
        "declares": "mcpName, or the name of an SDK",
    }
    words = {**TEXTS, **_WORDS}
    for sign, points in POINTS.items():
        own = " (MCP's own)" if sign in MCPS_OWN else ""
        yield f"| `{sign.value}`{own} | {points:+d} | {words[sign].format(**names)} |"


def _rows(cases: dict[str, list[Case]]) -> Iterator[str]:
    yield "| trees | processes | servers | precision | recall | without configuration: precision | recall | what |"
    yield "|---|---|---|---|---|---|---|---|"
    for name, trees in cases.items():
        yield _row(name, trees, _SETS[name])
    yield _row("**all**", [tree for trees in cases.values() for tree in trees], "")


def _row(name: str, trees: Sequence[Case], what: str) -> str:
    number = sum(len(tree["processes"]) for tree in trees)
    wanted = {(tree["name"], *server) for tree in trees for server in _wanted(tree)}
    shares = [
        share
        for configured in (True, False)
        for share in _shares({(tree["name"], *server) for tree in trees for server in _found(tree, configured)}, wanted)
    ]
    return f"| {name} ({len(trees)}) | {number} | {len(wanted)} | {' | '.join(shares)} | {what} |"


def _shares(found: set[tuple[object, ...]], wanted: set[tuple[object, ...]]) -> Iterator[str]:
    right = len(found & wanted)
    for whole in (found, wanted):
        yield (
            f"{right / len(whole):.1%} ({right} of {len(whole)})"
            if whole
            else "none taken for one"
            if whole is found
            else "-"
        )


def _wanted(tree: Case) -> Iterator[tuple[object, ...]]:
    yield from ((row["root"], row["client"], frozenset(row["members"])) for row in tree["expected"])


def _found(tree: Case, configured: bool) -> Iterator[tuple[object, ...]]:  # noqa: FBT001 - which of two columns
    for server in recognise(processes(tree), servers(tree) if configured else (), CLIENTS, now=_NOW):
        yield server.process.pid, server.client, frozenset(server.pids)


def main() -> None:
    """Write it anew."""
    FIGURES.write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main()

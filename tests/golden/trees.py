"""The recorded process trees, as the recognition takes them, and what is to be recognised in them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent.core.observation import Process
from agent.core.place import Place
from agent.core.recognition import ClientMarks, RunningServer
from agent.core.server import Server, ServerScope, Transport

FOLDER = Path(__file__).parent / "processes"

CLIENTS = (
    ClientMarks(
        "claude-code",
        frozenset({"claude"}),
        ("@anthropic-ai/claude-code", "share/claude/versions"),
        frozenset({"CLAUDECODE", "CLAUDE_PROJECT_DIR", "CLAUDE_CODE_SESSION_ID"}),
    ),
    ClientMarks("codex", frozenset({"codex"}), ("@openai/codex", ".bin/codex")),
    ClientMarks("gemini-cli", frozenset({"gemini"}), ("@google/gemini-cli", ".bin/gemini"), frozenset({"GEMINI_CLI"})),
    ClientMarks("opencode", frozenset({"opencode"}), ("opencode-ai/bin",), frozenset({"OPENCODE", "OPENCODE_PID"})),
    ClientMarks("qwen-code", frozenset({"qwen"}), ("@qwen-code/qwen-code", ".bin/qwen")),
    ClientMarks("github-copilot-cli", frozenset({"copilot"}), ("@github/copilot", ".bin/copilot")),
    ClientMarks("augment", frozenset({"auggie"}), ("@augmentcode/auggie",)),
    ClientMarks("vscode", frozenset({"code"}), ("Visual Studio Code.app",), editor=True),
)

Case = dict[str, Any]
CASES = [case for file in sorted(FOLDER.glob("*.json")) for case in json.loads(file.read_text("utf-8"))]


def processes(case: Case) -> tuple[Process, ...]:
    return tuple(
        Process(
            pid=row["pid"],
            create_time=1000.0 + place,
            ppid=row["ppid"],
            name=row["name"],
            user="alice",
            exe=row["exe"],
            command=tuple(row["command"]),
            cwd=row["cwd"],
            wires={int(descriptor): name for descriptor, name in row["wires"].items()},
            marks=frozenset(row.get("marks", ())),
        )
        for place, row in enumerate(case["processes"])
    )


def servers(case: Case) -> tuple[Server, ...]:
    return tuple(
        Server(
            client=row["client"],
            user="alice",
            scope=ServerScope.USER,
            name=f"server-{place}",
            place=Place("/home/alice/servers.json", f"/mcpServers/server-{place}"),
            transport=Transport.STDIO,
            command=tuple(row["command"]),
        )
        for place, row in enumerate(case["configured"])
    )


def seen(found: Sequence[RunningServer]) -> list[tuple[int, str | None, frozenset[int], bool]]:
    return sorted((s.process.pid, s.client, frozenset(s.pids), s.server is not None) for s in found)


def expected(case: Case) -> list[tuple[int, str | None, frozenset[int], bool]]:
    return sorted((row["root"], row["client"], frozenset(row["members"]), row["entry"]) for row in case["expected"])

"""Ask the real Claude Code: fresh random cases, run offline in namespaces of their own, against what the engine says.

    python -m tests.differential.oracle --client DIR/node_modules/.bin/claude --pairs 5000 --seed 1

Every run has its own mount, network and process namespace (Linux, root): `/home` and `/etc` are the case's tree, there is no
network, the key is made up. The client prints the servers of its session before it asks its model anything; then it is ended.
A mismatch is printed as a case that can be run again with `--case FILE`.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from agent.core.policy.session import judge
from tests.differential.random_cases import random_case
from tests.differential.recorded import BOX, HOME, Case, folder, planted, recording, write

_SCRIPT = """
mount --make-rprivate / && mount --bind "$1/home" /home && mount --bind "$1/etc" /etc && cd "$2" || exit 97
shift 2
exec "$@"
"""
_QUIET = {
    "DISABLE_TELEMETRY": "1",
    "DISABLE_AUTOUPDATER": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "ANTHROPIC_API_KEY": "sk-ant-none",
    "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
    "MCP_TIMEOUT": "300",
}


def ask(case: Case, client: Path, limit_s: float = 60) -> dict[str, str] | None:
    """Return the status of every server in the session of the real client; None where it does not start."""
    with tempfile.TemporaryDirectory(prefix="oracle-") as work:
        root = Path(work)
        shutil.copytree("/etc", root / "etc", symlinks=True, ignore=shutil.ignore_patterns("claude-code"))
        (root / "home").mkdir()
        root.chmod(0o755)
        write(planted(case), root)
        environment = {"HOME": HOME, "PATH": "/usr/bin:/bin", **_QUIET, **case.get("env", {})}
        command = [
            *("/usr/bin/unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"),
            *("/bin/sh", "-c", _SCRIPT, "sh", work, folder(case)),
            *("/usr/bin/env", "-i", *(f"{name}={value}" for name, value in environment.items())),
            *([] if not case.get("uid") else ["/usr/bin/setpriv", f"--reuid={case['uid']}", "--clear-groups"]),
            *(str(client), "-p", "hi", "--output-format", "stream-json", "--verbose", *_arguments(case, root)),
        ]
        return _first_event(command, limit_s)


def _first_event(command: list[str], limit_s: float) -> dict[str, str] | None:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(_read_event, process)
            try:
                return reading.result(timeout=limit_s)
            finally:
                process.kill()
    finally:
        process.wait()


def _read_event(process: "subprocess.Popen[bytes]") -> dict[str, str] | None:
    for line in process.stdout or ():
        event = json.loads(line) if line.startswith(b"{") else {}
        if event.get("subtype") == "init":
            return {server["name"]: server["status"] for server in event["mcp_servers"]}
    return None


def _arguments(case: Case, root: Path) -> list[str]:
    """Return the arguments of the case; what they name is put below /home, which the client sees."""
    arguments = list(case.get("args", ()))
    servers = case.get("servers", {})
    if "cli" in servers:
        (root / "home/cli.json").write_text(json.dumps({"mcpServers": servers["cli"]}))
        arguments += ["--mcp-config", f"{BOX}/cli.json"]
    if "plugin" in servers:
        plugin = root / "home/plug"
        (plugin / ".claude-plugin").mkdir(parents=True)
        (plugin / ".claude-plugin/plugin.json").write_text('{"name": "plug", "version": "1.0.0", "description": "x"}')
        (plugin / ".mcp.json").write_text(json.dumps({"mcpServers": servers["plugin"]}))
        arguments += ["--plugin-dir", f"{BOX}/plug"]
    return arguments


def expected(case: Case) -> dict[str, bool] | None:
    """Return which servers the engine lets load, None where it says that the client does not start."""
    outcome = judge(recording(case).session)
    if outcome.refuses is not None:
        return None
    loads: dict[str, bool] = {}
    for item in outcome.judged:
        loads[item.server.name] = loads.get(item.server.name, False) or item.loads is True
    return loads


def differences(case: Case, client: Path) -> tuple[int, list[str]]:
    """Return how many pairs of policy and server were compared, and every one that differs in words."""
    told, real = expected(case), ask(case, client)
    if told is None or real is None:
        return 1, [] if told is None and real is None else [
            f"the client {'starts' if real is not None else 'does not start'}"
        ]
    wrong = []
    for name, loads in told.items():
        really = real.get(name, "disabled") != "disabled"
        if loads != really:
            wrong.append(f"{name}: the client {'loads' if really else 'leaves out'} it")
    wrong += [f"{name}: the engine does not know it" for name in real if name not in told]
    return len(told), wrong


def main(argv: list[str] | None = None) -> int:
    """Run cases until so many pairs are compared; return the number of cases with a mismatch, at most 1."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--client", type=lambda text: Path(text).absolute(), required=True, help="the installed `claude`"
    )
    parser.add_argument("--pairs", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--case", type=Path, help="one case, as JSON")
    arguments = parser.parse_args(argv)
    if arguments.case:
        pairs, wrong = differences(json.loads(arguments.case.read_text()), arguments.client)
        _say(f"{pairs} pairs, {len(wrong)} mismatches", *wrong)
        return bool(wrong)
    chance, pairs, failed = random.Random(arguments.seed), 0, 0
    with ThreadPoolExecutor(arguments.jobs) as pool:
        while pairs < arguments.pairs:
            batch = [random_case(chance) for _ in range(arguments.jobs * 4)]
            answers = pool.map(lambda case: differences(case, arguments.client), batch)
            for case, (count, wrong) in zip(batch, answers, strict=True):
                pairs += count
                failed += bool(wrong)
                if wrong:
                    _say("MISMATCH", *wrong, json.dumps(case))
    _say(f"{pairs} pairs compared with the real client, {failed} cases differ (seed {arguments.seed})")
    return bool(failed)


def _say(*lines: str) -> None:
    sys.stdout.write("\n  ".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""The time of one `mcp-compliance check` on a machine with 20 users x 6 clients x 20 projects, in a cold process."""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import Run, one_poll_s, table, typical
from benchmarks.tree import plant

USERS, PROJECTS, RUNS = 20, 20, 5
_COMMAND = str(Path(sys.executable).with_name("mcp-compliance"))


def main() -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder)
        files = plant(root, USERS, PROJECTS)
        check = typical([_COMMAND, "check", "--json", "--root", folder], RUNS)
    small = typical([_COMMAND, "check", "--json"], RUNS)
    imports = typical([sys.executable, "-c", "import agent.cli.check, agent.app"], RUNS)
    bare = typical([sys.executable, "-c", "pass"], RUNS)
    servers = len(json.loads(check.output)["servers"])
    table(
        ["one process", "wall s", "cpu s", "peak MB", "of the check"],
        [
            _row(f"check --root: {files} files, {servers} servers", check, check),
            _row("check of this machine, with its processes", small, check),
            _row("its imports alone", imports, check),
            _row("an empty Python", bare, check),
        ],
    )
    poll = one_poll_s()
    print(
        f"One naive sweep of the process table here, now: {poll:.3f} s of processor time, {poll * 3600:.0f} s per hour."
    )
    print(f"One check every five minutes: {check.cpu_s * 12:.0f} s per hour.")


def _row(name: str, one: Run, whole: Run) -> list[str]:
    share = f"{one.wall_s / whole.wall_s:.0%}"
    return [name, f"{one.wall_s:.2f}", f"{one.cpu_s:.2f}", f"{one.peak_bytes / 1e6:.0f}", share]


if __name__ == "__main__":
    main()

"""Record what runs below some processes, as a case for `processes/`: `python -m tests.golden.record NAME PID…` (Linux).

Run it in the network namespace of what is recorded, which alone knows the ends of its sockets. `--rename OLD=NEW` replaces
folders; the longer first. What is configured and what is to be recognised is added by hand, by somebody who knows what he
started.
"""

import argparse
import json
from typing import Any

import psutil

from agent.catalog.rows import catalog
from agent.host.process_reading import LiveReader, read_wires


def main() -> None:
    """Print the case."""
    parser = argparse.ArgumentParser(description="Record the processes below PID as a case for tests/golden/processes")
    parser.add_argument("name")
    parser.add_argument("pids", type=int, nargs="+")
    parser.add_argument("--rename", action="append", default=[], metavar="OLD=NEW")
    given = parser.parse_args()
    case = {"name": given.name, "configured": [], "expected": [], "processes": recorded(given.pids)}
    text = json.dumps(case, ensure_ascii=False)
    for rename in given.rename:
        old, _, new = rename.partition("=")
        text = text.replace(old, new)
    print(text)  # noqa: T201 - it is a command


def recorded(roots: list[int]) -> list[dict[str, Any]]:
    """Return the rows of these processes and of all below, parents first."""
    handles = [psutil.Process(pid) for pid in roots]
    found = [process.pid for handle in handles for process in (handle, *handle.children(recursive=True))]
    reader = LiveReader(frozenset().union(*(mark.variables for mark in catalog().marks)))
    wires = read_wires(found)
    return [_row(process, wires[process.pid] or {}) for pid in found if (process := reader.read(pid)) is not None]


def _row(process: Any, wires: Any) -> dict[str, Any]:  # noqa: ANN401 - what the reader gives
    row = {
        "pid": process.pid,
        "ppid": process.ppid,
        "name": process.name,
        "command": list(process.command or ()),
        "exe": process.exe,
        "cwd": process.cwd,
        "wires": {str(descriptor): name for descriptor, name in sorted(wires.items())},
    }
    return row | ({"marks": sorted(process.marks)} if process.marks else {})


if __name__ == "__main__":
    main()

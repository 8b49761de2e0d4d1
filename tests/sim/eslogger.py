"""Plays Apple's eslogger: prints lines as eslogger(1) prints them, of processes that a test makes up.

`install` writes a program of one path, as the agent starts it; what it is to do stands in a file beside it, since it gets no
environment. The shape of the lines follows `es_message_t` as eslogger writes it on macOS 13 to 15, with the fields that
nobody here looks at cut short.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

NOT_PERMITTED = (
    "eslogger: Not permitted to create an ES Client. "
    "Grant Full Disk Access to the responsible process in System Settings > Privacy & Security."
)


def exec_line(number: int, pid: int, ppid: int, *args: str, **told: Any) -> str:  # noqa: ANN401 - any part of the message
    """Return the line for a program that starts: `env` and `cwd` may be told, `path` if it is not the first word."""
    path = told.get("path", args[0])
    target = {
        "signing_id": "",
        "team_id": None,
        "is_platform_binary": False,
        "original_ppid": ppid,
        "ppid": ppid,
        "group_id": pid,
        "session_id": 1,
        "start_time": told.get("start_time", "2026-10-04T08:15:30.123456000Z"),
        "executable": {"path": path, "path_truncated": False, "stat": {"st_uid": 0, "st_mode": 33261}},
        "audit_token": {
            "pid": pid,
            "pidversion": 4711,
            "ruid": 0,
            "euid": 0,
            "auid": 0,
            "rgid": 0,
            "egid": 0,
            "asid": 1,
        },
    }
    event = {
        "script": None,
        "target": target,
        "dyld_exec_path": path,
        "args": list(args),
        "env": told.get("env", []),
        "fds": [{"fd": 0, "fdtype": 6, "pipe": {"pipe_id": 77}}],
        "cwd": {"path": told.get("cwd", "/"), "path_truncated": False, "stat": {}},
        "last_fd": 2,
    }
    return _message("exec", 9, number, event, pid)


def exit_line(number: int, pid: int) -> str:
    """Return the line for a process that ends."""
    return _message("exit", 15, number, {"stat": 0}, pid)


def _message(kind: str, event_type: int, number: int, event: object, pid: int) -> str:
    message = {
        "schema_version": 1,
        "version": 8,
        "time": "2026-10-04T08:15:30.124000000Z",
        "mach_time": 1,
        "event_type": event_type,
        "action_type": 1,
        "seq_num": number,
        "global_seq_num": number,
        "process": {"audit_token": {"pid": pid, "ruid": 0}, "executable": {"path": "/bin/zsh"}},
        "event": {kind: event},
    }
    return json.dumps(message)


def install(folder: Path, *lines: str, says: str = "", ends: bool = False) -> str:
    """Put the program into `folder`; it prints `lines`, `says` a sentence on standard error, and stays unless it `ends`."""
    (folder / "plays.json").write_text(json.dumps({"lines": lines, "says": says, "ends": ends}))
    program = folder / "eslogger"
    program.write_text(f"#!{sys.executable}\n" + Path(__file__).read_text())
    program.chmod(0o755)
    return str(program)


def main() -> int:
    """Play."""
    if sys.argv[1:] != ["exec", "exit"]:
        return 64
    play = json.loads(Path(__file__).with_name("plays.json").read_text())
    if play["says"]:
        sys.stderr.write(play["says"] + "\n")
    for line in play["lines"]:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    while not play["ends"]:
        time.sleep(3600)
    return 1


if __name__ == "__main__":
    sys.exit(main())

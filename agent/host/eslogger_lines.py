"""What one line of Apple's eslogger(1) says: a program that started, with everything about it, or a process that ended.

Apple promises nothing about the format, so only what is needed is looked at, and a line that says it otherwise says nothing.
Modelled after `es_message_t` and `es_event_exec_t` of EndpointSecurity.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from agent.core.observation import Process
from agent.host.environment import Keeping

_COMM_MAX = 16
"""The kernel keeps so many bytes of a program's name (MAXCOMLEN)."""


@dataclass(frozen=True, slots=True)
class Line:
    """`number` counts all lines that there are of one kind: a gap is a loss. One of the others is set, or neither."""

    kind: str
    number: int | None
    started: Process | None = None
    ended: int | None = None


def read_line(text: bytes, keeping: Keeping, account: Callable[[int], str | None]) -> Line | None:
    """Return what the line says, None where it is none of eslogger's; `account` names a user id."""
    try:
        message = json.loads(text)
        kind, said = next(iter(message["event"].items()))
        if kind == "exec":
            return Line(kind, message.get("seq_num"), started=_started(said, keeping, account))
        if kind == "exit":
            return Line(kind, message.get("seq_num"), ended=int(message["process"]["audit_token"]["pid"]))
        return Line(kind, message.get("seq_num"))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, StopIteration):
        return None


def _started(said: Mapping[str, object], keeping: Keeping, account: Callable[[int], str | None]) -> Process:
    target = _map(said["target"])
    token = _map(target["audit_token"])
    executable = str(_map(target["executable"])["path"])
    command = tuple(map(str, _list(said["args"])))
    environment = dict(word.split("=", 1) for word in map(str, _list(said.get("env"))) if "=" in word)
    kept, folder = keeping.of(environment), said.get("cwd")
    return Process(
        pid=_number(token["pid"]),
        create_time=_seconds(str(target["start_time"])),
        ppid=_number(target["ppid"]),
        name=executable.rsplit("/", 1)[-1][:_COMM_MAX],
        user=account(_number(token["ruid"])),
        exe=executable,
        command=command,
        cwd=str(_map(folder)["path"]) if folder else None,
        marks=kept.marks,
        image=_number(token.get("pidversion", 0)),
        overrides=kept.overrides,
        moves=kept.moves,
    )


def _seconds(moment: str) -> float:
    """Return Unix time, to the microsecond as the kernel keeps it; eslogger writes nine digits."""
    whole, _, rest = moment.removesuffix("Z").partition(".")
    seconds = datetime.fromisoformat(f"{whole}+00:00").timestamp()
    with suppress(ValueError):
        seconds += int((rest + "000000")[:6]) / 1e6
    return seconds


def _map(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TypeError
    return value


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError
    return value

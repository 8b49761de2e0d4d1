"""Who reports."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent.ports import Asked


@dataclass(frozen=True, slots=True)
class Sender:
    """Who reports: the state folder, the device's id and host name.

    `heard` is told what the endpoint asks for, `admitted` that it let the device in, anew perhaps.
    """

    state: Path
    device: str
    hostname: str = ""
    heard: Callable[[Asked], None] = lambda _asked: None
    admitted: Callable[[], None] = lambda: None

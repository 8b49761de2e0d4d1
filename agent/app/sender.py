"""Who reports, and what the organisation's own endpoint is called among the destinations."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent.ports import Asked

ENDPOINT = "https"
"""The name of the central endpoint as a destination."""


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

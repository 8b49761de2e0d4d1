"""A program that goes on running though its file on disk was replaced or deleted since it was started.

An update in place does that, and so does whoever swaps or hides a program. What runs is the old file, with the rules that it had.
Told is only what the system shows: on Linux that the file which runs has no name any more, everywhere that another file stands
where it was, or that the file was written after the start. Nothing is said of a file that the agent may not look at.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from agent.core.place import Content, Data, Facts, Missing

SLACK_S = 5.0
"""A file counts as written after the start from so much later on: a start time follows the clock, which may be set."""

Stood = tuple[int, int, int]
"""Device, inode and time of writing: what stays while a file is linked, shown, or given other rights."""


@dataclass(frozen=True, slots=True)
class Superseded:
    """What became of the file `path`: deleted, or another one since `at` (Unix time; None where that is not known).

    `deleted` is None where the path could not be looked at. `unseen` says that the file which runs was never seen by this agent.
    """

    path: str
    deleted: bool | None = False
    at: float | None = None
    unseen: bool = False

    @property
    def text(self) -> str:
        """What happened, as the end of a sentence about the program."""
        if self.deleted is None:
            return "was replaced or deleted on disk since it was started"
        if self.deleted:
            return "was deleted from disk since it was started"
        when = "" if self.at is None else f" at {datetime.fromtimestamp(self.at, UTC):%Y-%m-%d %H:%M}Z"
        return f"was replaced on disk{when}, after it was started"


def stood(facts: Facts) -> Stood:
    """Return what is to be remembered of the file that a process was first seen with."""
    return (facts.device, facts.inode, facts.mtime_ns)


def superseded(
    path: str, found: Content | None, started: float, before: Stood | None, *, unlinked: bool = False
) -> Superseded | None:
    """Say what became of the program at `path`; None where it is the same or that is not known.

    `found` stands there now (None: the path means another file to the process), `before` stood there when the process was first
    seen, `started` is when that began (Unix time). `unlinked`: the system says that the file which runs has no name any more.
    """
    unseen = before is None
    if isinstance(found, Missing):
        return Superseded(path, deleted=True, unseen=unseen) if unlinked or before is not None else None
    if not isinstance(found, Data):
        return Superseded(path, deleted=None, unseen=unseen) if unlinked else None
    written = found.facts.mtime_ns / 1e9
    another = unlinked or (stood(found.facts) != before if before is not None else written > started + SLACK_S)
    return Superseded(path, at=written if written > started else None, unseen=unseen) if another else None

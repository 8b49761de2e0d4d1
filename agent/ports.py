"""The protocols between the layers. Whoever needs the outside world gets one of these; `agent.app` decides which."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from agent.core.basis import Basis
from agent.core.observation import Look, Process
from agent.core.place import Content, Facts, Listing, Os, User
from agent.core.refusal import CannotStart as CannotStart  # noqa: PLC0414 - part of the ports
from agent.core.writer import Writer

JSON = dict[str, Any]


class Glance(Protocol):
    """One moment of a file tree: each path is asked about once, and nothing is read."""

    def holds(self, basis: Basis) -> bool:
        """Say whether all of `basis` is as it was; False also where that cannot be told."""
        ...


class Files(Protocol):
    """The file tree of the examined root. Never raises for what it finds; never blocks; never leaves the root.

    Paths are absolute, in the examined system's spelling. `within` is the folder that links may not lead out of (None: the
    root itself). `reader` is the user on whose behalf a file is read: what that user may not read is `Unreadable`, even when
    this process could.
    """

    os: Os

    def read(self, path: str, *, within: str | None = None, reader: User | None = None) -> Content:
        """Return the whole file, up to the size cap (`Trouble.TOO_LARGE` beyond it)."""
        ...

    def names(self, path: str, *, within: str | None = None, reader: User | None = None) -> Listing:
        """Return the names in a folder, capped in number."""
        ...

    def glance(self) -> AbstractContextManager[Glance]:
        """Return what tells whether earlier answers still hold, for one look."""
        ...


class Hashes(Protocol):
    """Digests of files of any size, on behalf of a user, under the terms of `Files`."""

    def digest(self, path: str, *, reader: User, wanted: Callable[[Facts], bool]) -> Content:
        """Return the file with its SHA-256 (32 bytes) in place of its bytes, or with nothing where that is not wanted."""
        ...


class Users(Protocol):
    """The accounts whose configuration is looked at."""

    def users(self) -> Sequence[User]:
        """Return every user with a home on the examined machine."""
        ...


class Homes(Users, Protocol):
    """The accounts, and where new ones appear."""

    def folders(self) -> Sequence[str]:
        """Return the folders in which the home of a new user would appear."""
        ...


class ProcessTable(Protocol):
    """The live process table of this machine."""

    def snapshot(self) -> "TableView":
        """Return every process that could be seen, opening only those that are new since the last call."""
        ...

    def update(self, seen: Collection[Process], gone: Collection[int]) -> "TableView":
        """Return the last snapshot with only these processes read anew; `seen` were read as they started."""
        ...


@dataclass(frozen=True, slots=True)
class TableView:
    """`hidden` counts processes that exist and whose command line could not be read; `problem` says why."""

    processes: tuple[Process, ...]
    hidden: int = 0
    problem: str | None = None


class ProcessEvents(Protocol):
    """What the system tells of processes as it happens. `follow` and `interrupt` may come from another thread."""

    name: str

    def wait(self, timeout_s: float) -> "Told":
        """Return what was told since the last call, after at most `timeout_s`.

        Raises:
            EventsLost: nothing more will be told.
        """
        ...

    def follow(self, pids: Collection[int]) -> None:
        """Let the end of exactly these processes be told too."""
        ...

    def interrupt(self) -> None:
        """Let the present or next `wait` return at once."""
        ...

    def close(self) -> None:
        """End the subscription."""
        ...


@dataclass(frozen=True, slots=True)
class Aimed:
    """The folders in which writers are heard, and those that are there and are not, with the system's word why."""

    heard: frozenset[str] = frozenset()
    deaf: Mapping[str, str] = field(default_factory=dict)


class FileWriters(Protocol):
    """Tells which process writes in folders, not what is below them. Only `interrupt` may come from another thread."""

    def aim(self, folders: Collection[str]) -> Aimed:
        """Listen in exactly these folders, as far as they are there."""
        ...

    def wait(self, timeout_s: float) -> Sequence[tuple[str, Writer]]:
        """Return paths that changed since the last call and who changed them, in order, after at most `timeout_s`."""
        ...

    def interrupt(self) -> None:
        """Let the present or next `wait` return at once."""
        ...

    def close(self) -> None:
        """Give everything back to the system."""
        ...


class EventsLost(Exception):  # noqa: N818 - not an error of ours
    """The system has stopped telling; the text is a sentence fit for health."""


@dataclass(frozen=True, slots=True)
class NoEvents:
    """The system tells nothing to this process; `reason` is a sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class Told:
    """`started` have executed a program, in order; `ended` were followed and are gone; `overrun`: more was told than taken.

    `described` holds those of the started of which the system has told everything by itself, `outlined` those of which it told
    what will have to do where they can be read no more.
    """

    started: tuple[int, ...] = ()
    ended: tuple[int, ...] = ()
    overrun: bool = False
    described: Mapping[int, Process] = field(default_factory=dict)
    outlined: Mapping[int, Process] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Noticed:
    """What can matter of what was told, each read as it started, hosts before what they started.

    `started` counts the programs that were told of, `missed` those of them that ended before they could be read, `unjudged` those
    of the missed that may have been servers: a client or its launcher had started them, or nobody can tell any more who had.
    """

    processes: tuple[Process, ...] = ()
    ended: tuple[int, ...] = ()
    overrun: bool = False
    started: int = 0
    missed: int = 0
    unjudged: int = 0


@dataclass(frozen=True, slots=True)
class Orders:
    """What whoever notices shall go by from now on; None: as before.

    `keys` are the words by which configured servers go, `alive` and `clients` the pids of all processes and of the clients among
    them as a sweep found them, `followed` those whose end is to be told.
    """

    keys: frozenset[str] | None = None
    alive: frozenset[int] | None = None
    clients: frozenset[int] = frozenset()
    followed: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Hearing:
    """How whoever notices listens; `hindered` says why it may come too late for short-lived programs, None where it doesn't."""

    name: str
    hindered: str | None = None


class Noticer(Protocol):
    """Listens, and reads at once what can matter. `heed` and `interrupt` may come from another thread."""

    hearing: Hearing

    def turn(self, timeout_s: float) -> Noticed:
        """Return what was noticed since the last call, after at most `timeout_s`.

        Raises:
            EventsLost: nothing more will be noticed.
        """
        ...

    def heed(self, orders: Orders) -> None:
        """Go by `orders`."""
        ...

    def interrupt(self) -> None:
        """Let the present or next `turn` return at once, or raise."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...


class Channel(Protocol):
    """One end of a line to a process of our own, which carries values."""

    def fileno(self) -> int:
        """Return the descriptor that is readable when something waits."""
        ...

    def send(self, value: object) -> None:
        """Send a value.

        Raises:
            EOFError: the other end is gone.
        """
        ...

    def receive(self, timeout_s: float) -> Any:  # noqa: ANN401 - whatever was sent
        """Return the next value, None where none came within `timeout_s`.

        Raises:
            EOFError: the other end is gone.
        """
        ...

    def interrupt(self) -> None:
        """Let the present and each later `receive` raise EOFError."""
        ...

    def close(self) -> None:
        """Close this end, which tells the other one to end."""
        ...


class ProcessReader(Protocol):
    """Reads single processes, also short-lived ones. None where the process is gone."""

    def command(self, pid: int) -> tuple[str, ...]:
        """Return the words of the command line as fast as can be, empty where the process is gone or runs no program."""
        ...

    def parent(self, pid: int) -> int | None:
        """Return the pid of the parent as fast as can be."""
        ...

    def read(self, pid: int, command: tuple[str, ...] | None = None) -> Process | None:
        """Return everything that can be seen of a process, with what leads from it to its parent; `command` is known of it."""
        ...


@dataclass(frozen=True, slots=True)
class Nearby:
    """Names in one folder whose appearance, change or end would matter; compared without case."""

    folder: str
    names: frozenset[str]


class Source(Protocol):
    """Looks at one part of the machine. `look` returns everything that is there now and does not raise for what it finds."""

    name: str
    interval_s: float

    def look(self) -> Sequence[Look]:
        """Return a look for each partition this source covers."""
        ...

    def watched(self) -> Sequence[str | Nearby]:
        """Return the local paths whose change should wake this source early; empty where only the timer does."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """What a sink sends at once: OCSF events in order, and an id that makes a repeat recognisable.

    Each line is one event, spelt as it is stored and hashed (`agent.core.canonical`): as objects it would take five times as
    much memory.
    """

    id: str
    first_sequence: int
    last_sequence: int
    lines: tuple[str, ...]

    @property
    def events(self) -> Iterator[JSON]:
        """Read one event after the other."""
        return map(json.loads, self.lines)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The destination has the batch durably; it is never sent again."""


@dataclass(frozen=True, slots=True)
class RetryLater:
    """The destination could not take the batch now. `after_s` is its own wish (Retry-After), None without one."""

    reason: str
    after_s: float | None = None


@dataclass(frozen=True, slots=True)
class TooLarge:
    """The destination refuses the size (413): the same events are to be sent in smaller batches."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The destination will never take this batch: it is set aside, counted, and visible in health."""

    reason: str


Outcome = Accepted | RetryLater | TooLarge | Refused


@dataclass(frozen=True, slots=True)
class Asked:
    """What the endpoint asks for in its answer: a fresh look, a new credential of the device, all that holds told anew.

    `look` and `restate` are the Unix times by which the endpoint knows its requests.
    """

    look: float | None = None
    rotate: bool = False
    restate: float | None = None


class Sink(Protocol):
    """One destination. Nothing here raises. `send` and `probe` are called by one thread at a time, `abort` and `close` by any."""

    name: str

    def send(self, batch: Batch) -> Outcome:
        """Try once, within its time limits, to deliver `batch`; 2xx, or a completed durable write, is the only `Accepted`."""
        ...

    def probe(self) -> str | None:
        """Say in a sentence what keeps reports from arriving, and send none; None where nothing is known to."""
        ...

    def abort(self) -> None:
        """End an attempt that is under way, and refuse every later one as `RetryLater`: the daemon ends."""
        ...

    def close(self) -> None:
        """Give connections back; a later `send` makes new ones and reads certificate files anew."""
        ...


class StoreError(Exception):
    """The journal could not store: nothing was changed. The text is fit for health; a later try may succeed."""


class Clock(Protocol):
    """Wall time for people, monotonic time for waiting. Intervals are never computed from wall time."""

    def now(self) -> float:
        """Return Unix time in seconds."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never jump."""
        ...


Wake = Callable[[], None]
"""Sets a wake-up bit; safe to call from any thread, any number of times."""

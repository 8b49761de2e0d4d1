r"""Where things stand: operating systems, users, files and the facts that the file system states about them.

Paths are strings in the examined root's own spelling (`/home/ann/.claude.json`, `C:\Users\ann\.claude.json`), so
that a Windows disk can be examined on Linux; nothing here or above touches the local file system's idea of a path.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Literal, Protocol

Os = Literal["linux", "macos", "windows"]


def pure_path(os: Os, text: str) -> PurePath:
    """Return `text` as a path of the operating system `os`, whatever machine this runs on."""
    return PureWindowsPath(text) if os == "windows" else PurePosixPath(text)


def top_of(os: Os) -> str:
    """Return how the root folder is spelt on `os`; of Windows' disks, that of the system's."""
    return "C:\\" if os == "windows" else "/"


@dataclass(frozen=True, slots=True)
class User:
    """One account of the examined machine; `uid` is None where the system has none (Windows) or it is not known."""

    name: str
    home: str
    uid: int | None = None
    gids: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where an entry stands: the file, the JSON pointer (RFC 6901) in it, and the 1-based line if known."""

    path: str
    pointer: str = ""
    line: int | None = None

    def __str__(self) -> str:
        line = f":{self.line}" if self.line is not None else ""
        return f"{self.path}{line}" + (f" at {self.pointer}" if self.pointer else "")


class Rights(Protocol):
    """What an access control list says of a user beside the mode."""

    def permits(self, facts: "Facts", user: User, bits: int) -> bool | None:
        """Say whether `user` has the rights `bits` (read 4, write 2, search 1) to what `facts` are of; None: see the mode."""
        ...


@dataclass(frozen=True, slots=True)
class Facts:
    r"""What the file system states about one file or folder; times in nanoseconds, `mode` without the type bits.

    A key of the Windows registry has a path too: that of its value, `HKLM\SOFTWARE\...`.
    `rights` is the access control list, where a look asked for it and there is one.
    """

    path: str
    kind: Literal["file", "folder", "link", "key", "other"]
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    size: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0
    device: int = 0
    inode: int = 0
    links: int = 1
    rights: Rights | None = None

    @property
    def identity(self) -> tuple[int, int, str, int, int, int]:
        """What stands there and who may do what with it, whatever it holds."""
        return (self.device, self.inode, self.kind, self.mode, self.uid, self.gid)

    @property
    def fingerprint(self) -> tuple[int, int, int, int, int]:
        """Equal fingerprints mean that the bytes need not be read again."""
        return (self.device, self.inode, self.size, self.mtime_ns, self.ctime_ns)


class Trouble(StrEnum):
    """Why a path that exists gave no content."""

    DENIED = "denied"  # this process, or the user on whose behalf it reads, lacks the permission
    NOT_REGULAR = "not-regular"  # a folder, FIFO, device or socket stands in place of a file
    LINK_LOOP = "link-loop"
    LINK_ESCAPES = "link-escapes"  # a link leads out of the folder that may be read
    NOT_A_FOLDER = "not-a-folder"  # a file stands where a folder should be (ENOTDIR)
    TOO_LARGE = "too-large"
    TIMED_OUT = "timed-out"
    FOREIGN = "foreign"  # on a network share or a program's own file system, which may never answer
    IO_ERROR = "io-error"


@dataclass(frozen=True, slots=True)
class Data:
    """A file that was read whole. `access` holds every folder walked from the root, every link, and the file last."""

    raw: bytes = field(repr=False)
    access: tuple[Facts, ...]

    @property
    def facts(self) -> Facts:
        """The facts of the file itself, taken from the open descriptor that was read."""
        return self.access[-1]


@dataclass(frozen=True, slots=True)
class Missing:
    """Nothing stands at this path. `link` is set where a dangling link does; `access` is how far the walk came."""

    access: tuple[Facts, ...] = ()
    link: bool = False


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something stands there and could not be read; `text` says what in a sentence."""

    trouble: Trouble
    text: str
    access: tuple[Facts, ...] = ()


Content = Data | Missing | Unreadable


@dataclass(frozen=True, slots=True)
class Names:
    """The names in a folder, in code-unit order; `truncated` says that there were more than the cap."""

    names: tuple[str, ...]
    access: tuple[Facts, ...]
    truncated: bool = False


Listing = Names | Missing | Unreadable

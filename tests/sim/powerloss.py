"""Power loss: what a real program asked of the disk is recorded; every state in which the disk may be after a cut is made of it.

`record` runs a program under strace and returns its operations on one folder, with what it printed in between. `states` then
cuts the power after each of them. POSIX promises of a write nothing before `fsync` of its file, and of a name nothing before
`fsync` of its folder. So of the writes that were not synced none, all, only the newest, or any sectors may have reached the
disk, and names (created, renamed, removed) go as far as any of their steps, in their order, as file systems with a journal do it.
"""

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from random import Random

SECTOR = 512
_CALLS = (
    "openat,creat,close,write,pwrite64,read,lseek,ftruncate,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,"
    "mkdir,link,linkat,symlink,writev,pwritev,fallocate,copy_file_range,sendfile,dup,dup2,dup3"
)
_LINE = re.compile(r"(\w+)\((.*)\)\s+= (-?\d+)")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@dataclass(frozen=True, slots=True)
class Write:
    file: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Cut:
    """The file was given this size."""

    file: int
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    file: int


@dataclass(frozen=True, slots=True)
class SyncFolder:
    path: str


@dataclass(frozen=True, slots=True)
class Name:
    """A name leads to `file` now; None: to nothing any more. `instead_of` is the name that it had before a rename."""

    path: str
    file: int | None
    instead_of: str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """The program printed this, and so promises what it says."""

    text: str


Step = Write | Cut | Sync | SyncFolder | Name | Said


def record(command: Sequence[str], folder: Path, environment: Mapping[str, str], trace: Path) -> list[Step]:
    """Run `command` to its end; return what it did to files directly in `folder`, in order. It must be of one thread."""
    strace = ["strace", "-xx", "-s", "100000000", "-e", f"trace={_CALLS}", "-o", str(trace), *command]
    done = subprocess.run(strace, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    reading = _Reading(str(folder))
    for line in trace.read_text().splitlines():
        match = _LINE.match(line)
        if match and int(match[3]) >= 0:
            reading.take(match[1], match[2].split(", "), int(match[3]))
    return reading.steps


@dataclass
class _Open:
    file: int | None
    path: str
    at: int = 0
    append: bool = False


@dataclass
class _Reading:
    """Follows descriptors, so that a write is known by the file that it went to."""

    folder: str
    steps: list[Step] = field(default_factory=list)
    _open: dict[int, _Open] = field(default_factory=dict)
    _names: dict[str, int] = field(default_factory=dict)
    _sizes: dict[int, int] = field(default_factory=dict)

    def take(self, call: str, given: list[str], result: int) -> None:
        getattr(self, f"_{call}", self._unknown)(given, result)

    def _unknown(self, given: list[str], _result: int) -> None:
        if any(word.isdigit() and int(word) in self._open for word in given):
            raise AssertionError(f"not understood: {given}")
        if any(self._ours(path) for path in map(_text, given)):
            raise AssertionError(f"not understood: {given}")

    def _ours(self, path: str) -> bool:
        return str(PurePath(path).parent) == self.folder

    def _openat(self, given: list[str], result: int) -> None:
        path, flags = _text(given[1]), given[2].split("|")
        if path == self.folder:
            self._open[result] = _Open(None, path)
        if not self._ours(path):
            return
        if path not in self._names:
            self._names[path] = len(self._sizes)
            self._sizes[self._names[path]] = 0
            self.steps.append(Name(path, self._names[path]))
        file = self._names[path]
        self._open[result] = _Open(file, path, append="O_APPEND" in flags)
        if "O_TRUNC" in flags and self._sizes[file]:
            self._cut(file, 0)

    def _close(self, given: list[str], _result: int) -> None:
        self._open.pop(int(given[0]), None)

    def _write(self, given: list[str], result: int) -> None:
        if given[0] == "1":
            self.steps.append(Said(_text(given[1])))
        if (handle := self._open.get(int(given[0]))) is not None and handle.file is not None:
            at = self._sizes[handle.file] if handle.append else handle.at
            self._written(handle.file, at, _bytes(given[1])[:result])
            handle.at = at + result

    def _pwrite64(self, given: list[str], result: int) -> None:
        if (handle := self._open.get(int(given[0]))) is not None and handle.file is not None:
            self._written(handle.file, int(given[3]), _bytes(given[1])[:result])

    def _written(self, file: int, at: int, data: bytes) -> None:
        self._sizes[file] = max(self._sizes[file], at + len(data))
        self.steps.append(Write(file, at, data))

    def _read(self, given: list[str], result: int) -> None:
        if (handle := self._open.get(int(given[0]))) is not None:
            handle.at += result

    def _lseek(self, given: list[str], result: int) -> None:
        if (handle := self._open.get(int(given[0]))) is not None:
            handle.at = result

    def _ftruncate(self, given: list[str], _result: int) -> None:
        if (handle := self._open.get(int(given[0]))) is not None and handle.file is not None:
            self._cut(handle.file, int(given[1]))

    def _cut(self, file: int, size: int) -> None:
        self._sizes[file] = size
        self.steps.append(Cut(file, size))

    def _fsync(self, given: list[str], _result: int) -> None:
        if (handle := self._open.get(int(given[0]))) is not None:
            self.steps.append(SyncFolder(handle.path) if handle.file is None else Sync(handle.file))

    _fdatasync = _fsync

    def _rename(self, given: list[str], _result: int) -> None:
        old, new = _text(given[0]), _text(given[1])
        if self._ours(old) or self._ours(new):
            self._names[new] = self._names.pop(old)
            self.steps.append(Name(new, self._names[new], instead_of=old))

    def _unlink(self, given: list[str], _result: int) -> None:
        if self._ours(path := _text(given[0])):
            self._names.pop(path)
            self.steps.append(Name(path, None))

    def _mkdir(self, _given: list[str], _result: int) -> None:
        """Folders are there: what is watched is in one."""


def _text(word: str) -> str:
    return _bytes(word).decode("utf-8", "replace")


def _bytes(word: str) -> bytes:
    match = _STRING.search(word)
    return bytes.fromhex(match[1].replace("\\x", "")) if match else b""


@dataclass(frozen=True, slots=True)
class State:
    """A disk after the power was cut after `after` steps: contents by name, and what the program had promised by then."""

    after: int
    how: str
    files: Mapping[str, bytes]
    said: tuple[str, ...]

    def lay(self, folder: Path) -> None:
        """Write the files into `folder`."""
        folder.mkdir(parents=True)
        for name, content in self.files.items():
            (folder / name).write_bytes(content)


LOST = ("no write", "every write", "the newest write", "some sectors")
"""What of that which was not synced has reached the disk."""


def states(steps: Sequence[Step], random: Random) -> Iterator[State]:
    """Yield every different state in which the disk may be, for a cut after each step."""
    seen = set()
    for after in range(len(steps) + 1):
        said = tuple(step.text for step in steps[:after] if isinstance(step, Said))
        for how in LOST:
            for names in _names_at(steps[:after]):
                files = {
                    PurePath(path).name: _content(steps[:after], file, how, random) for path, file in names.items()
                }
                identity = (said, frozenset(files.items()))
                if identity not in seen:
                    seen.add(identity)
                    yield State(after, how, files, said)


def _names_at(done: Sequence[Step]) -> list[dict[str, int]]:
    """Return what the names may be: as the folder's last sync left them, and as they are."""
    synced = max((number for number, step in enumerate(done) if isinstance(step, SyncFolder)), default=-1)
    return [_named(done[: synced + 1]), _named(done)]


def _named(done: Sequence[Step]) -> dict[str, int]:
    names: dict[str, int] = {}
    for step in done:
        if isinstance(step, Name):
            if step.instead_of is not None:
                names.pop(step.instead_of, None)
            names.pop(step.path, None)
            if step.file is not None:
                names[step.path] = step.file
    return names


def _content(done: Sequence[Step], file: int, how: str, random: Random) -> bytes:
    mine = [step for step in done if isinstance(step, Write | Cut | Sync) and step.file == file]
    synced = max((number for number, step in enumerate(mine) if isinstance(step, Sync)), default=-1)
    content = bytearray()
    for step in mine[: synced + 1]:
        _apply(content, step)
    loose = [step for step in mine[synced + 1 :] if isinstance(step, Write | Cut)]
    for step in {"no write": [], "the newest write": loose[-1:]}.get(how, loose):
        if how in ("no write", "every write", "the newest write") or isinstance(step, Cut):
            _apply(content, step)
        else:
            _tear(content, step, random)
    return bytes(content)


def _apply(content: bytearray, step: Step) -> None:
    match step:
        case Write(_, offset, data):
            content.extend(bytes(max(0, offset + len(data) - len(content))))
            content[offset : offset + len(data)] = data
        case Cut(_, size):
            content.extend(bytes(max(0, size - len(content))))
            del content[size:]
        case _:
            pass


def _tear(content: bytearray, step: Write, random: Random) -> None:
    """Let some sectors of a write arrive; the file may have its full length all the same, as sizes are kept apart."""
    start = step.offset - step.offset % SECTOR
    for sector in range(start, step.offset + len(step.data), SECTOR):
        if random.random() < 0.5:
            first, last = max(sector, step.offset), min(sector + SECTOR, step.offset + len(step.data))
            _apply(content, Write(step.file, first, step.data[first - step.offset : last - step.offset]))

"""Which baselines count on this device now, and why the others do not.

With public keys in the settings a baseline counts if one of them signed it, it has not expired, and it is not older than the
newest one that was ever accepted. The newest one is kept in the state folder, so that removing it, or putting back an older one,
changes nothing but what is reported. Older ones count beside it while it says so (`holds_from`): a roll-out takes its time.
Without public keys an unsigned baseline counts, and proves nothing about who wrote it.

Time only goes forward here: a clock that is set back does not bring an expired baseline to life. A newer signed baseline puts
the time right again, should the clock have been wrong.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from agent.core.baseline.document import Baseline, BaselineError, moment, read_baseline
from agent.core.baseline.record import Record
from agent.core.baseline.sshsig import SignatureError, signer
from agent.core.observation import BaselineFile
from agent.core.place import Content, Data, Missing, Os, Unreadable

_TIME_STEP_S = 3600.0


@dataclass(frozen=True, slots=True)
class Kept:
    """The newest baseline that was accepted: its text and the signature that proved it."""

    text: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered from one look to the next: the newest accepted baseline, the latest time seen, the files as first seen.

    `since` is when the first of them was seen, in Unix seconds.
    """

    kept: Kept | None = None
    latest: float = 0.0
    since: float | None = None
    first_sight: Mapping[str, Record] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A baseline that counts, and where it lies."""

    path: str
    baseline: Baseline


@dataclass(frozen=True, slots=True)
class Refusal:
    """A baseline that does not count; `why` is a sentence."""

    path: str
    code: str
    why: str


@dataclass(frozen=True, slots=True)
class Standing:
    """`valid` are the baselines that count, the newest first; `proven`: they are signed. `gone` says what was removed."""

    valid: tuple[Accepted, ...] = ()
    refused: tuple[Refusal, ...] = ()
    proven: bool = False
    gone: str | None = None


@dataclass(frozen=True, slots=True)
class _Read:
    """A baseline that could be read and, where keys are set, was signed by one of them."""

    path: str
    baseline: Baseline
    kept: Kept


def weigh(
    files: Sequence[BaselineFile], keys: Sequence[str], memory: Memory, now: float | None, os: Os
) -> tuple[Standing, Memory]:
    """Return which of `files` count, and what is to be remembered. `keys` are the lines of public keys."""
    read: list[_Read] = []
    refused: list[Refusal] = []
    for file in files:
        found = _read(file, tuple(keys), os)
        (read if isinstance(found, _Read) else refused).append(found)  # type: ignore[arg-type]  # each list takes its own kind
    kept = _kept(memory, tuple(keys), os) if keys else None
    gone = _gone(read, memory, kept) if keys else None
    if kept is not None and all(item.kept.text != kept.kept.text for item in read):
        read.append(kept)
    highest = max([item.baseline.serial for item in read], default=0)
    highest = max(highest, _remembered_serial(memory)) if keys else highest
    newest = [item for item in read if item.baseline.serial == highest]
    floor = min((item.baseline.floor for item in newest), default=highest)
    remembered = _remember(memory, newest, now) if keys else memory
    valid: list[Accepted] = []
    for item in sorted(read, key=lambda item: (-item.baseline.serial, item.path)):
        why = _refusal(item, floor, highest, newest, max(now or 0.0, remembered.latest))
        if why is None:
            valid.append(Accepted(item.path, item.baseline))
        elif item is not kept or why[0] != "rollback":  # the one before gives way to a newer one without a word
            refused.append(Refusal(item.path, *why))
    return Standing(tuple(valid), tuple(refused), bool(keys) and bool(valid), gone), remembered


def _read(file: BaselineFile, keys: tuple[str, ...], os: Os) -> _Read | Refusal:
    if not isinstance(file.content, Data):
        return Refusal(file.path, "unreadable", f"it cannot be read: {_why(file.content)}")
    raw, signature = file.content.raw, b""
    if keys:
        if not isinstance(file.signature, Data):
            missing = isinstance(file.signature, Missing)
            why = "it is not signed" if missing else f"its signature cannot be read: {_why(file.signature)}"
            return Refusal(file.path, "unsigned", why)
        signature = file.signature.raw
    try:
        if keys:
            signer(raw, signature, keys)
        baseline = read_baseline(raw)
    except SignatureError as error:
        return Refusal(file.path, "signature", str(error))
    except BaselineError as error:
        return Refusal(file.path, "malformed", str(error))
    if baseline.os != os:
        return Refusal(file.path, "system", f"it is for {baseline.os}, and this is {os}")
    return _Read(file.path, baseline, Kept(raw, signature))


def _kept(memory: Memory, keys: tuple[str, ...], os: Os) -> _Read | None:
    """Return the kept baseline, proven anew: a key that the settings no longer name proves nothing any more."""
    if memory.kept is None:
        return None
    file = BaselineFile("the newest accepted baseline", Data(memory.kept.text, ()), Data(memory.kept.signature, ()))
    found = _read(file, keys, os)
    return found if isinstance(found, _Read) else None


def _gone(read: Sequence[_Read], memory: Memory, kept: _Read | None) -> str | None:
    serial = _remembered_serial(memory)
    if not serial or any(item.baseline.serial >= serial for item in read):
        return None
    still = "; it was kept and still counts" if kept is not None else ""
    return f"The baseline with serial {serial} was accepted before and is not there any more{still}."


def _remembered_serial(memory: Memory) -> int:
    if memory.kept is None:
        return 0
    try:
        return read_baseline(memory.kept.text).serial
    except BaselineError:
        return 0


def _remember(memory: Memory, newest: Sequence[_Read], now: float | None) -> Memory:
    """Keep the newest baseline; let time go forward in steps, so that not every look writes."""
    present = now or 0.0
    if newest and newest[0].baseline.serial > _remembered_serial(memory):
        baseline = newest[0].baseline
        return replace(memory, kept=newest[0].kept, latest=max(present, baseline.issued))
    if present > memory.latest + _TIME_STEP_S:
        return replace(memory, latest=present)
    return memory


def _refusal(item: _Read, floor: int, highest: int, newest: Sequence[_Read], now: float) -> tuple[str, str] | None:
    baseline = item.baseline
    if baseline.serial < floor:
        why = f"its serial {baseline.serial} is older than {highest}, which was accepted already"
        return "rollback", why
    if baseline.serial == highest and len({other.kept.text for other in newest}) > 1:
        return "ambiguous", f"another baseline has the same serial {highest}"
    if baseline.expires is not None and now >= baseline.expires:
        return "expired", f"it expired on {moment(baseline.expires)}"
    return None


def _why(content: Content) -> str:
    return content.text if isinstance(content, Unreadable) else "it is not there"


def texts(standing: Standing) -> Iterator[tuple[str, str]]:
    """Yield path and sentence of everything that is wrong with the baselines."""
    for refusal in standing.refused:
        yield refusal.path, f"It is refused: {refusal.why}."

"""Digests of the files that servers run: small ones at once, large ones in the background at a modest pace.

A digest is known by what tells that the bytes are the same: device, inode, size, and the times of content and of the inode. What
could not be read is not remembered: whoever asks again has it tried again.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from agent.core.artifact import Unhashed
from agent.core.place import Content, Data, Facts, User
from agent.ports import Hashes

SMALL_BYTES = 1 << 20
"""Files up to this size are read while somebody waits for them: scripts."""

AT_ONCE_BYTES = 64 << 20
"""What one look reads at once where nothing reads in the background."""

LARGEST_BYTES = 1 << 30
BYTES_PER_S = 16 << 20
"""How fast the background reads, on average."""

_KEPT, _WAITING = 4096, 1024
_TURN_S = 15.0
_Fingerprint = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Digest:
    """The digest of a file as it stands; `content` says how it was found, `missing` why there is no digest."""

    content: Content
    sha256: str | None = None
    missing: Unhashed | None = None


class Digests:
    """Finds and remembers them. `at_once` is how many bytes more than small files each look may read itself."""

    name = "digests"

    def __init__(self, hashes: Hashes, *, at_once: int = 0) -> None:
        self._hashes, self._at_once = hashes, at_once
        self._left = at_once
        self._known: OrderedDict[_Fingerprint, str] = OrderedDict()
        self._waiting: OrderedDict[tuple[str, str], User] = OrderedDict()
        self._lock = threading.Lock()
        self._work, self._ending = threading.Event(), threading.Event()

    @property
    def goes_on(self) -> bool:
        """True where what is not hashed yet will be, without another look."""
        return not self._at_once

    def look(self) -> None:
        """A new look begins, with a new budget."""
        self._left = self._at_once

    def of(self, path: str, user: User) -> Digest:
        """Return the digest of the file that `user` may read at `path`, or why there is none yet."""
        found = self._hashes.digest(path, reader=user, wanted=self._at_once_too)
        if not isinstance(found, Data):
            return Digest(found, missing=Unhashed.UNREADABLE)
        if found.raw:
            self._left -= found.facts.size if found.facts.size > SMALL_BYTES else 0
            return Digest(found, self._learn(found))
        known = self.known(found.facts)
        if known is not None:
            return Digest(found, known)
        if found.facts.size > LARGEST_BYTES:
            return Digest(found, missing=Unhashed.TOO_LARGE)
        if not self._at_once:
            self._queue(path, user)
        return Digest(found, missing=Unhashed.NOT_YET)

    def known(self, facts: Facts) -> str | None:
        """Return the digest of what stands there, if it was read before."""
        with self._lock:
            digest = self._known.get(facts.fingerprint)
            if digest is not None:
                self._known.move_to_end(facts.fingerprint)
            return digest

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Read what waits until `stop` is set, resting after each file as its size asks for."""
        while not stop.is_set():
            beat()
            if self._work.wait(_TURN_S) and not stop.is_set():
                self._rest(self.step() / BYTES_PER_S, beat)

    def wake(self) -> None:
        """Let `run` go on to its end."""
        self._ending.set()
        self._work.set()

    def step(self) -> int:
        """Read the file that waits longest; return how many bytes that were."""
        with self._lock:
            if not self._waiting:
                self._work.clear()
                return 0
            (path, _), user = self._waiting.popitem(last=False)
        found = self._hashes.digest(path, reader=user, wanted=self._wanted)
        if not isinstance(found, Data) or not found.raw:
            return 0
        self._learn(found)
        return found.facts.size

    def _at_once_too(self, facts: Facts) -> bool:
        return facts.size <= max(SMALL_BYTES, self._left) and self.known(facts) is None

    def _wanted(self, facts: Facts) -> bool:
        return facts.size <= LARGEST_BYTES and self.known(facts) is None

    def _learn(self, found: Data) -> str:
        digest = found.raw.hex()
        with self._lock:
            self._known[found.facts.fingerprint] = digest
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return digest

    def _queue(self, path: str, user: User) -> None:
        with self._lock:
            if len(self._waiting) < _WAITING:
                self._waiting[path, user.name] = user
        self._work.set()

    def _rest(self, seconds: float, beat: Callable[[], None]) -> None:
        left = seconds
        while left > 0 and not self._ending.wait(min(left, _TURN_S)):
            beat()
            left -= _TURN_S

"""What answers of a file system rest on: while it holds, the same questions get the same answers, and need not be asked again.

A folder that was only passed counts as the same while its identity and rights are; a file, a link and a folder whose names were
taken only while size and times are, too; what was not there, while there is nothing. No owner can set the time of the last change
(`ctime`), but it moves in steps: what changed just before it was looked at could change once more within the same step.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from agent.core.place import Facts

Identity = tuple[int, int, str, int, int, int]
Fingerprint = tuple[int, int, int, int, int]
Step = tuple[str, Identity | None, Fingerprint | None]
"""A path with what must stand there: None as identity for nothing, None as fingerprint for a folder that was only passed."""

SETTLED_NS = 2_000_000_000
"""How long ago a thing must have changed to be trusted: the coarsest step of a file system's clock (FAT: two seconds)."""


@dataclass(frozen=True, slots=True)
class Basis:
    """Everything that some answers rest on, in the order of paths, so that a folder comes before what is in it."""

    steps: tuple[Step, ...]


class Footing:
    """Collects what answers rest on, while they are given."""

    def __init__(self) -> None:
        self._passed: dict[str, Facts] = {}
        self._whole: dict[str, Facts] = {}
        self._absent: set[str] = set()
        self._firm = True

    def passed(self, access: Iterable[Facts]) -> None:
        """Rest on these folders, as far as they are the way to something; on a link, as far as it leads to the same place."""
        for facts in access:
            if facts.kind == "link":
                self._whole[facts.path] = facts
            else:
                self._passed[facts.path] = facts

    def whole(self, access: Iterable[Facts]) -> None:
        """Rest on the content of these files, on the names in these folders."""
        self._whole.update((facts.path, facts) for facts in access)

    def absent(self, path: str) -> None:
        """Rest on there being nothing at `path`."""
        self._absent.add(path)

    def shaky(self) -> None:
        """Note an answer of which cannot be told what it rests on: all that was asked must be asked again."""
        self._firm = False

    def basis(self, began_ns: int) -> Basis | None:
        """Return what everything rests on; None if nobody could tell. `began_ns` is Unix time before the first question."""
        newest = max((max(facts.mtime_ns, facts.ctime_ns) for facts in self._whole.values()), default=0)
        if not self._firm or newest + SETTLED_NS > began_ns:
            return None
        steps: dict[str, Step] = {path: (path, facts.identity, None) for path, facts in self._passed.items()}
        steps |= {path: (path, facts.identity, facts.fingerprint) for path, facts in self._whole.items()}
        # In a folder that has the same names, what was not there is not there.
        absent = (path for path in self._absent if (path.rpartition("/")[0] or "/") not in self._whole)
        steps |= {path: (path, None, None) for path in absent}
        return Basis(tuple(steps[path] for path in sorted(steps)))

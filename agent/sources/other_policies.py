"""The managed files of all clients in one look: Claude Code's, as `ManagedSource` sees them, and those of other clients."""

from collections.abc import Sequence
from dataclasses import replace

from agent.catalog.policy_files import POLICY_FILES
from agent.core.observation import Document, ManagedLook
from agent.core.place import Missing
from agent.ports import Files, Nearby
from agent.sources.managed import ManagedSource
from agent.sources.settling import settled
from agent.sources.stores import OTHERS


class AllManagedSource:
    """Adds the other clients' files to the look of `inner`; what is not there is left out."""

    name = "managed"

    def __init__(self, inner: ManagedSource, files: Files) -> None:
        """Look through `files`, whenever `inner` is asked to look."""
        self._inner, self._files = inner, files
        paths = ((row.kind, row.path(files.os)) for row in POLICY_FILES)
        self._paths = tuple((kind, path) for kind, path in paths if path is not None)
        self.interval_s = inner.interval_s

    def look(self) -> Sequence[ManagedLook]:
        """Return the one look."""
        found = (
            Document(kind, path, settled(lambda path=path: self._files.read(path)))  # type: ignore[misc]
            for kind, path in self._paths
        )
        there = tuple(document for document in found if not isinstance(document.content, Missing))
        others = (*there, *self._inner.stores(*OTHERS))
        others, guards = self._inner.guarded(others)
        return [replace(look, others=others, guards={**guards, **look.guards}) for look in self._inner.look()]

    def folders(self) -> Sequence[str]:
        """Return the folders in which it matters who writes."""
        return (*self._inner.folders(), *dict.fromkeys(_folder(path) for _, path in self._paths))

    def watched(self) -> Sequence[str | Nearby]:
        """Return what wakes the source early."""
        return (*self._inner.watched(), *(path for _, path in self._paths))


def _folder(path: str) -> str:
    return path.rpartition("\\" if path[1:2] == ":" else "/")[0]

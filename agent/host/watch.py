"""Notifications of the file system about names in folders; one implementation per system behind `FolderWatcher`."""

from collections.abc import Collection
from typing import Protocol

Change = tuple[str, str]
"""A folder as it was given to `aim`, and the name in it that changed; an empty name says that anything may have changed."""


class FolderWatcher(Protocol):
    """Watches folders, not what is below them. Reading a file is no change. Only `interrupt` may come from another thread."""

    def aim(self, folders: Collection[str]) -> frozenset[str]:
        """Watch exactly these folders, anew where one was replaced or a watch died; return those that are watched."""
        ...

    def wait(self, timeout_s: float) -> frozenset[Change]:
        """Return what changed since the last call, after at most `timeout_s`; empty when nothing did."""
        ...

    def interrupt(self) -> None:
        """Let the present or next `wait` return at once."""
        ...

    def close(self) -> None:
        """Give everything back to the system."""
        ...

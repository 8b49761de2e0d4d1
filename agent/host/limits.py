"""Every cap of reading a file tree that others write, in one place."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Caps of one read. Beyond them the answer is `Unreadable` (or a truncated listing), never a longer wait.

    `file_bytes` is generous, as ~/.claude.json grows with its history; a client's own, smaller cap is the caller's rule.
    """

    file_bytes: int = 32 * 1024 * 1024
    names: int = 4096
    links: int = 40
    """As many as Linux follows before it answers ELOOP."""
    components: int = 512
    chunk_bytes: int = 256 * 1024
    attempts: int = 3
    """Reads of one file that changes under the reader, and restarts of a walk whose path is swapped."""


DEFAULT_LIMITS = ReadLimits()

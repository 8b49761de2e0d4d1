"""Who is told by the daemon as it happens: whoever reads its standard output, and whoever started it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from agent.core.documents import StatusDocument
from agent.core.ledger import Change


@dataclass(frozen=True, slots=True)
class Audience:
    """`first` gets the status when everything was judged once, `changes` what changed since, with the status it led to."""

    first: Callable[[StatusDocument], None]
    changes: Callable[[Sequence[Change], StatusDocument | None], None]


class ServiceManager(Protocol):
    """Whoever started the daemon and wants to know how it stands."""

    def ready(self) -> None:
        """Hear that everything was judged once."""
        ...

    def alive(self) -> None:
        """Hear that every worker beats."""
        ...

    def says(self, text: str) -> None:
        """Hear in one line how the device stands."""
        ...

    def stopping(self) -> None:
        """Hear that the daemon ends."""
        ...

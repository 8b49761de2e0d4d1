"""What every page must say besides its answer, to those who can see to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from central.asking.ask import Ask
from central.asking.destinations import stuck
from central.core.access import Permission
from central.store import people


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence, and the page that says more. What is `mild` can wait."""

    text: str
    target: str
    mild: bool = False


def heeded(ask: Ask[Any]) -> Iterator[Notice]:
    """Yield what the person who asks should know before all else."""
    if ask.asker.kind == "person" and people.has_password(ask.connection, ask.asker.name) is False:
        yield Notice(
            "You signed in by a link and have no password yet: set one, to sign in again.", "/password", mild=True
        )
    if ask.asker.may(Permission.FEED):
        for line in stuck(ask):
            yield Notice(f"Alerts do not reach {line.name}. {line.why}", "/destinations")

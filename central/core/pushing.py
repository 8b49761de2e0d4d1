"""How a push destination stands: what waits for it, since when, and what hinders it, in a word and a sentence."""

from dataclasses import dataclass
from typing import Literal

from central.core.times import span

PushState = Literal["up to date", "on its way", "catching up", "stuck", "not configured"]
PATIENCE_S = 120.0
"""For how long alerts may wait before it is told: what was not accepted at once is tried again by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A destination of the settings. `where` is the host that it is sent to; it holds no credential."""

    name: str
    kind: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushing:
    """What is known of how far a destination is. `oldest_at` is when the first alert that waits was stored, where that is known.

    `carried` says whether a copy of the program holds it now; `configured`, whether the settings still name it.
    """

    waiting: int
    oldest_at: float | None
    accepted_at: float | None
    problem: str
    problem_at: float | None
    carried: bool
    configured: bool = True


def standing(pushing: Pushing, now: float) -> tuple[PushState, str]:
    """Return how it stands, and why, in a sentence that says what is to be done."""
    alerts = f"{pushing.waiting} alert{'' if pushing.waiting == 1 else 's'}"
    if not pushing.configured:
        return "not configured", "The settings of this copy of the program no longer name it; nothing is sent there."
    if not pushing.waiting:
        return "up to date", "It has every alert."
    since = next((at for at in (pushing.oldest_at, pushing.problem_at) if at is not None), now)
    if now - since < PATIENCE_S:
        return "on its way", f"{alerts} just came; what is not accepted is tried again by itself."
    lately = pushing.accepted_at is not None and now - pushing.accepted_at < PATIENCE_S
    if lately and not pushing.problem:
        return "catching up", f"{alerts} wait, and it accepts them one batch after the other."
    return "stuck", _stuck(
        pushing, f"{alerts} {'waits' if pushing.waiting == 1 else 'wait'}, the oldest for {span(now - since)}"
    )


def _stuck(pushing: Pushing, waited: str) -> str:
    if pushing.problem:
        return f"{waited}: {pushing.problem}. It is tried again by itself until that is mended."
    if not pushing.carried:
        return f"{waited}: no running copy of the program carries it. Restart the service, and read its log."
    return f"{waited}: it has not answered yet."

"""Who asks: a token in the Authorization header, or a person whom the browser's session signs in."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Engine
from starlette.requests import Request

from central.core.access import Asker
from central.store import people, tokens
from central.store.engine import reading, writing
from central.store.people import SessionTerms

SESSION = "signed-in"
_NOTED_EVERY_S = 60.0


@dataclass(eq=False)
class Doorkeeper:
    """Knows who asks. `now` is Unix seconds."""

    engine: Engine
    now: Callable[[], float]
    terms: SessionTerms = field(default_factory=SessionTerms)

    def asker(self, request: Request) -> Asker | None:
        """Return who asks, None where nobody is known. That a session is used is noted, at most once a minute."""
        shown, held, now = bearer(request), request.session.get(SESSION), self.now()
        with reading(self.engine) as connection:
            if shown is not None:
                return tokens.asker(connection, shown, now)
            if not isinstance(held, str):
                return None
            found = people.asker(connection, held, self.terms, now)
        if found is None:
            return None
        who, seen_at = found
        if now - seen_at > _NOTED_EVERY_S:
            with writing(self.engine) as connection:
                people.seen(connection, held, now)
        return who


def bearer(request: Request) -> str | None:
    """Return the token of the Authorization header, None without one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" and token else None

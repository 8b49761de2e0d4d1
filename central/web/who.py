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
        """Return who asks, None where nobody is known. That a session or a token is used is noted, at most once a minute."""
        shown, held, now = bearer(request), request.session.get(SESSION), self.now()
        with reading(self.engine) as connection:
            if shown is not None:
                found: tuple[Asker, float | None] | None = tokens.asker(connection, shown, now)
            elif isinstance(held, str):
                found = people.asker(connection, held, self.terms, now)
            else:
                return None
        if found is None:
            return None
        who, used_at = found
        if used_at is None or now - used_at > _NOTED_EVERY_S:
            with writing(self.engine) as connection:
                if shown is not None:
                    tokens.used(connection, shown, now)
                else:
                    people.seen(connection, str(held), now)
        return who


def bearer(request: Request) -> str | None:
    """Return the token of the Authorization header, None without one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" and token else None

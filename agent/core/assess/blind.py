"""Scopes that could not be looked at for too long: then not knowing is itself a deviation."""

from collections.abc import Iterator, Sequence

from agent.core.assess.results import deviation
from agent.core.deviation import Deviation
from agent.core.observation import Coverage, CoverageState, Scope

_TROUBLED = frozenset({CoverageState.UNREADABLE, CoverageState.MALFORMED, CoverageState.TIMED_OUT})


class Blindness:
    """Remembers since when each scope has been out of sight; times in monotonic seconds."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._since: dict[Scope, float] = {}

    def of(self, coverage: Sequence[Coverage], at: float) -> frozenset[Scope]:
        """Return the scopes that have been out of sight for longer than the limit."""
        troubled = [row.scope for row in coverage if row.state in _TROUBLED]
        self._since = {scope: self._since.get(scope, at) for scope in troubled}
        return frozenset(scope for scope, since in self._since.items() if at - since >= self._limit_s)


def blind_deviations(rows: Sequence[Coverage]) -> Iterator[Deviation]:
    """Yield a deviation for each of `rows`. It depends on its kind of look alone: seen again means gone."""
    for row in rows:
        yield deviation(
            "agent.blind",
            subject=str(row.scope),
            label=str(row.scope),
            text=f"It could not be looked at for a while: {row.problem}",
            user=row.scope.user,
            depends=(Scope(row.scope.kind),),
        )

"""All that holds, told anew: the endpoint asks for it where what it received does not continue what it had.

Part of what was acknowledged is lost there, as after a restore from a backup. It is told what is open, the policy and the
inventory once more, and by the sign of life what all of that is, so that it closes what is not in it.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from agent.ports import StoreError
from agent.store.journal import Journal


@dataclass(eq=False)
class Restating:
    """`ask` is called by the delivery to the endpoint alone; `wanted` is for any thread.

    The endpoint goes on asking, by the same time, until it has the sign of life that says it all. So nothing is kept over a
    restart, and one that was folded into a newer one is made up for.
    """

    journal: Journal
    wake: Callable[[], None]
    wanted: float | None = field(default=None, init=False)
    _owed: float | None = field(default=None, init=False)

    def ask(self, at: float | None) -> None:
        """Hear what an answer asks for: the time of the request, None for nothing."""
        self.wanted = at
        if at is None or at == self._owed:
            return
        with contextlib.suppress(StoreError):  # which the next commit says in health; the next answer asks again
            self.journal.owe()
            self._owed = at
            self.wake()

"""What the agent tells beside deviations: its life, the policy, the inventory, its health. Each change once, also over restarts.

What was told last is noted in the journal in the transaction that queues the event: after a crash there are both or neither,
and a fresh journal is told everything anew.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from agent.core.documents import ConditionRow, DeviceRow, StatusDocument
from agent.core.event_agent import condition_events, started_event, stopped_event
from agent.core.event_device import heartbeat_event, inventory_events, policy_event, policy_facts, whole
from agent.core.ocsf.objects import Whole
from agent.ports import JSON, Clock, StoreError
from agent.store.addressees import INVENTORY, NOT_OWED, OWED_SERVERS, OWED_STATE
from agent.store.journal import Journal

log = logging.getLogger(__name__)

_RUNNING, _POLICY, _HEALTH, _STANDING = "running", "policy", "health", "standing"
_COMPLETE = "complete"  # since this journal began, a look could look at everything: what it does not know does not hold
_JITTER = 0.1


@dataclass(eq=False)
class Teller:
    """Queues what is new. A journal that cannot store now is asked again at the next call.

    Each method belongs to one thread: `look` to the pipeline, `health` and `heartbeat` to the ticker; `since` is for any.
    `wanted` is by what time the endpoint asks for all that holds, None where it does not.
    """

    device: DeviceRow
    journal: Journal
    clock: Clock
    interval_s: float
    random: Random
    counters: Callable[[], Mapping[str, int]]
    looked_at: Callable[[], float | None] = lambda: None
    wanted: Callable[[], float | None] = lambda: None
    _restated: float | None = field(default=None, init=False)
    _due: float | None = field(default=None, init=False)
    _standing: tuple[str, float] | None = field(default=None, init=False)
    _last: tuple[object, ...] = field(default=(), init=False)

    def started(self) -> None:
        """Tell that the agent runs, whether the run before ended in order, and what destinations that are back were not owed."""
        at = self.clock.now()
        clean, not_owed = self._noted(_RUNNING) is not True, self._noted(NOT_OWED)
        event = started_event(self.device, at=at, clean=clean, not_owed=not_owed)
        self._tell([event], {_RUNNING: True, NOT_OWED: []})

    def stopped(self, why: str) -> None:
        """Tell that the agent ends."""
        self._tell([stopped_event(self.device, at=self.clock.now(), why=why)], {_RUNNING: False})

    def look(self, document: StatusDocument) -> None:
        """Tell what changed in the policy and the inventory since it was told last; where it is owed, all of it."""
        stored = all(row.code != "journal.failing" for row in document.health)
        complete = stored and all(row.state.conclusive for row in document.check.coverage)
        seen = (document.check.policy, document.check.servers, self.journal.recovery, complete)
        owed = self._noted(OWED_STATE) is True
        if seen == self._last and not owed:
            return
        at = self.clock.now()
        facts = policy_facts(document.check.policy)
        before, servers = self._noted(_POLICY), self._noted(INVENTORY) or {}
        if owed:  # everything as if it were new, and what anybody knows that is no more
            here = {row.key for row in document.check.servers}
            before, servers = None, dict.fromkeys({*servers, *(self._noted(OWED_SERVERS) or ())} - here, "")
        event = policy_event(self.device, before, facts, at=at)
        version = document.check.policy.client_version
        known, inventory = inventory_events(self.device, servers, document.check.servers, at=at, client_version=version)
        events = [*([event] if event is not None else []), *inventory]
        notes: dict[str, object] = {_POLICY: facts, INVENTORY: known}
        if owed:  # no more; what another thread owes meanwhile stays owed
            notes |= {OWED_STATE: False, OWED_SERVERS: []}
        if complete:
            notes[_COMPLETE] = True
        if not (events or (complete and not self._noted(_COMPLETE))) or self._tell(events, notes):
            self._last = seen

    def since(self, state: str) -> float | None:
        """Return since when the device stands like `state`, over restarts too; None where the journal cannot say."""
        if self._standing is None or self._standing[0] != state:
            noted = self._noted(_STANDING)
            if not noted or noted["state"] != state:
                noted = {"state": state, "since": self.clock.now()}
                if not self._tell([], {_STANDING: noted}):
                    return None
            self._standing = (state, float(noted["since"]))
        return self._standing[1]

    def health(self, rows: Sequence[ConditionRow]) -> None:
        """Tell each health condition that holds now and did not when it was told last."""
        before, now = self._noted(_HEALTH) or [], [row.code for row in rows]
        if before == now:
            return
        at = self.clock.now()
        events = condition_events(self.device, before, rows, at=at, counters=self.counters())
        self._tell(list(events), {_HEALTH: now})

    def heartbeat(self, document: StatusDocument, *, asked: bool = False) -> None:
        """Give the sign of life where one is due: at once after the start, then now and then, not all devices together.

        One that is `asked` for is due, and so is the first one after the endpoint asked for all that holds.
        """
        now, wanted = self.clock.monotonic(), self.wanted()
        asked = asked or wanted not in (None, self._restated)
        if not asked and self._due is not None and now < self._due:
            return
        self._due = now + self.interval_s * self.random.uniform(1 - _JITTER, 1 + _JITTER)
        at = self.clock.now()

        def encode(dropped: Mapping[str, int], folded: Sequence[tuple[int, int]]) -> JSON:
            whole = self._whole(wanted) if wanted is not None else None
            looked_at = self.looked_at()
            return heartbeat_event(document, at=at, dropped=dropped, folded=folded, looked_at=looked_at, whole=whole)

        try:
            self.journal.beat(encode, at)
            self._restated = wanted
        except StoreError as error:
            log.debug("no sign of life: %s", error)  # the pipeline's next commit says so in health

    def _whole(self, asked: float) -> Whole | None:
        """Return what all is open and configured, None before this journal has known it all."""
        if not self._noted(_COMPLETE):
            return None
        return whole(self.device.id, self.journal.open_deviations(), self._noted(INVENTORY) or {}, asked=asked)

    def _noted(self, name: str) -> Any:  # noqa: ANN401 - whatever JSON was noted
        try:
            text = self.journal.note(name)
            return None if text is None else json.loads(text)
        except (StoreError, ValueError):
            return None

    def _tell(self, events: Sequence[JSON], notes: Mapping[str, object]) -> bool:
        try:
            self.journal.append(events, self.clock.now(), {name: json.dumps(value) for name, value in notes.items()})
        except StoreError as error:
            log.debug("not told: %s", error)
            return False
        return True

"""The pipeline's stages: judge the world, say a change in events, tell it, publish where the device stands.

All of it runs on the pipeline's thread.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from agent.app.audience import Audience, ServiceManager
from agent.app.looking import Eyes
from agent.app.remembering import Remembering, RememberingServers
from agent.app.telling import Teller
from agent.core.assess import Assessment, assess
from agent.core.assess.blind import Blindness
from agent.core.event import Circumstances, finding_events
from agent.core.ledger import Change
from agent.core.memo import Memo
from agent.core.world import World
from agent.ports import JSON, Clock
from agent.runtime.pipeline import Stages
from agent.sources.launches import Launches
from agent.status.health import Health
from agent.status.publisher import Publisher


@dataclass(eq=False)
class Deciding:
    """What the daemon makes of a world."""

    eyes: Eyes
    clock: Clock
    health: Health
    blindness: Blindness
    remembering: Remembering
    servers: RememberingServers
    launches: Launches
    publisher: Publisher
    teller: Teller
    audience: Audience
    manager: ServiceManager
    _memo: Memo = field(default_factory=Memo, init=False)
    _circumstances: Circumstances = field(default_factory=Circumstances, init=False)
    _uids: Mapping[str, int] = field(default_factory=dict, init=False)
    _untold: tuple[Change, ...] = field(default=(), init=False)
    _told_first: bool = field(default=False, init=False)

    @property
    def stages(self) -> Stages[Assessment]:
        """What the pipeline calls."""
        return Stages(self._assess, self._encode, self._announce, self._publish)

    def _assess(self, world: World) -> Assessment:
        world = replace(world, memory=self.remembering.memory, before=self.servers.before)
        blind = self.blindness.of(world.coverage, self.clock.monotonic())
        assessment, self._memo = assess(
            world,
            self.eyes.terms,
            self._memo,
            now=self.clock.now(),
            blind=blind,
            conditions=self.health.rows(),
        )
        self._circumstances = _circumstances(world, assessment)
        self._uids = {look.user.name: look.user.uid for look in world.configs or () if look.user.uid is not None}
        if assessment.complete:
            self.remembering.keep(assessment.memory)
            self.servers.before = assessment.before
            self.launches.expect(assessment.startable)
        return assessment

    def _encode(self, change: Change) -> Sequence[JSON]:
        return finding_events(self.eyes.device, change, self._circumstances)

    def _announce(self, changes: Sequence[Change]) -> None:
        self._untold = (*self._untold, *changes) if self._told_first else ()

    def _publish(self, assessment: Assessment, problem: str | None) -> None:
        if not assessment.complete:
            return
        self.health.hold("journal.failing", problem)
        document = self.publisher.publish(assessment, self._uids)
        self.teller.look(document)
        if self._untold:  # told with the document that they led to, not with the one before
            changes, self._untold = self._untold, ()
            self.audience.changes(changes, document)
        if not self._told_first:
            self._told_first = True
            self.manager.ready()
            self.audience.first(document)


def _circumstances(world: World, assessment: Assessment) -> Circumstances:
    versions: dict[tuple[str | None, str], str] = {
        (look.user.name, client): version
        for look in world.configs or ()
        for client, version in look.client_versions.items()
    }
    return Circumstances(assessment.policy.digest if assessment.policy is not None else "", versions)

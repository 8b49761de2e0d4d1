"""The world as last seen: the newest whole look of each source. Judgement always starts from all of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from agent.core.baseline.trust import Memory
from agent.core.observation import ConfigLook, Coverage, Look, ManagedLook, ProcessLook
from agent.core.recognition.outliving import Before


@dataclass(frozen=True, slots=True)
class World:
    """None means "not looked at yet", which is not the same as an empty look.

    `memory` and `before` are what earlier judgements left behind: of managed files, of running servers.
    """

    configs: tuple[ConfigLook, ...] | None = None
    managed: ManagedLook | None = None
    processes: ProcessLook | None = None
    extra_coverage: tuple[Coverage, ...] = ()
    memory: Memory = field(default_factory=Memory, repr=False)
    before: Before = field(default_factory=Before, repr=False)

    def updated(self, looks: Iterable[Look]) -> "World":
        """Return the world after one source's whole look: the looks at users replace all earlier ones of users.

        Only the look at users can be empty, on a machine that has none.
        """
        world, looks = self, tuple(looks)
        configs: list[ConfigLook] = []
        for look in looks:
            if isinstance(look, ConfigLook):
                configs.append(look)
            elif isinstance(look, ManagedLook):
                world = replace(world, managed=look)
            else:
                world = replace(world, processes=look)
        return replace(world, configs=tuple(configs)) if configs or not looks else world

    @property
    def coverage(self) -> tuple[Coverage, ...]:
        """Every coverage row of every look, in a fixed order."""
        rows = [row for look in self.configs or () for row in look.coverage]
        rows += [row for look in (self.managed, self.processes) if look is not None for row in look.coverage]
        return (*rows, *self.extra_coverage)

    @property
    def looked(self) -> frozenset[str]:
        """The kinds of scope of which a whole look has arrived."""
        seen = {"config": self.configs, "managed": self.managed, "process": self.processes}
        return frozenset(kind for kind, look in seen.items() if look is not None)

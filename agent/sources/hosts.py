"""Which processes start servers: the clients, and the launchers that hand a client's wire on.

Programs start all day by the thousand. What is no host is remembered for a while, so that it is not asked about with each of its
children; hosts are remembered until two sweeps have not found them, however much starts meanwhile.
"""

from collections import OrderedDict
from collections.abc import Collection

from agent.core.recognition.triage import Role

HOSTS_MAX, OTHERS_MAX = 4096, 1024
"""Remembered at most, newest first."""


class Hosts:
    """Truthy while there is one. One caller at a time."""

    def __init__(self) -> None:
        self._roles: OrderedDict[int, Role] = OrderedDict()
        self._others: OrderedDict[int, None] = OrderedDict()
        self._settled: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self._roles)

    def role(self, pid: int) -> Role | None:
        """Return what the process means for what it starts, None where that is not known."""
        return Role.NONE if pid in self._others else self._roles.get(pid)

    def remember(self, pid: int, role: Role) -> None:
        """Take note of what a process means since its latest exec."""
        self._roles.pop(pid, None)
        self._others.pop(pid, None)
        if role is Role.NONE:
            self._others[pid] = None
            _bound(self._others, OTHERS_MAX)
        else:
            self._roles[pid] = role
            _bound(self._roles, HOSTS_MAX)

    def swept(self, alive: Collection[int], clients: Collection[int]) -> None:
        """Go by a sweep: `alive` are the pids of all processes, `clients` those of the clients among them.

        A host that started while the sweep was under way is not among them.
        """
        for pid in self._settled.difference(alive):
            self._roles.pop(pid, None)
        for pid in clients:
            self.remember(pid, Role.CLIENT)
        self._settled = frozenset(self._roles)


def _bound(held: OrderedDict[int, Role] | OrderedDict[int, None], most: int) -> None:
    while len(held) > most:
        held.popitem(last=False)

"""Why a server that the policy blocks could run all the same, as far as that can be known; in one sentence, the surest first."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from agent.core.observation import ManagedLook
from agent.core.place import Data
from agent.core.policy.effective import Policy
from agent.core.policy.sources import SHADOWED, USERS_OWN
from agent.core.recognition import RunningServer


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the reasons are looked for in. `changed_at` is Unix time."""

    enforcing: Callable[[str], bool]
    policy: Policy
    changed_at: float | None = None


def circumstances(managed: ManagedLook, policy: Policy, enforcing: Callable[[str], bool]) -> Circumstances:
    """Gather them from what was looked at; the newest managed file says when the policy was changed last."""
    written = [found.content.facts.mtime_ns / 1e9 for found in managed.documents if isinstance(found.content, Data)]
    return Circumstances(enforcing, policy, max(written, default=None))


def cause(running: RunningServer, known: Circumstances) -> str:
    """Return why the server runs."""
    return next(_causes(running, known))


def _causes(running: RunningServer, known: Circumstances) -> Iterator[str]:
    client, host = running.client, running.host
    if client is None:
        yield "No known MCP client started it, so none asked the policy."
        return
    if not known.enforcing(client):
        yield f"{client} does not enforce the organisation's policy."
        return
    yield from (problem.text for problem in known.policy.problems if problem.code in (SHADOWED, USERS_OWN))
    if host is not None and known.changed_at is not None and host.create_time < known.changed_at:
        yield f"{client} (pid {host.pid}) was started before the policy was last changed and may go by the older one: restart it."
    if running.server is None:
        yield f"No entry of {client} yields it: something inside a session of {client} started it."
    yield f"{client} should have refused it; what let it through is not known."

"""Why a server that the policy blocks could run all the same, as far as that can be known; in one sentence, the surest first."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from agent.core.assess.outdated import holes_of
from agent.core.observation import ManagedLook, Process
from agent.core.place import Data
from agent.core.policy.effective import Policy
from agent.core.policy.provided import CLAUDE_CODE
from agent.core.policy.sources import SHADOWED, USERS_OWN
from agent.core.recognition import RunningServer
from agent.core.recognition.clients import version_of
from agent.core.redaction import redact_name
from agent.core.superseded import Superseded


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the reasons are looked for in.

    `changed_at` is Unix time. `versions` are those of each user's Claude Code. `misplaced` says of a process of a client where
    its program lies, if that is no place known of that client. `superseded` are the processes whose program was replaced since.
    """

    enforcing: Callable[[str], bool]
    policy: Policy
    changed_at: float | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    misplaced: Callable[[Process], str | None] = lambda _: None
    superseded: Mapping[tuple[int, float], Superseded] = field(default_factory=dict)


def circumstances(
    managed: ManagedLook,
    policy: Policy,
    enforcing: Callable[[str], bool],
    versions: Mapping[str, str] = MappingProxyType({}),
    misplaced: Callable[[Process], str | None] = lambda _: None,
    superseded: Mapping[tuple[int, float], Superseded] = MappingProxyType({}),
) -> Circumstances:
    """Gather them from what was looked at; the newest managed file says when the policy was changed last."""
    written = [found.content.facts.mtime_ns / 1e9 for found in managed.documents if isinstance(found.content, Data)]
    return Circumstances(enforcing, policy, max(written, default=None), versions, misplaced, superseded)


def cause(running: RunningServer, known: Circumstances) -> str:
    """Return why the server runs."""
    return next(_causes(running, known))


def _of_version(client: str, running: RunningServer, known: Circumstances) -> Iterator[str]:
    """Yield what the version lets through that runs: an update leaves the older one running until it is restarted."""
    installed = known.versions.get(running.user or "") if client == CLAUDE_CODE else None
    runs = version_of(running.host) if client == CLAUDE_CODE and running.host is not None else None
    version = runs or installed
    for hole in holes_of(version)[:1]:
        newer = runs is not None and installed is not None and not holes_of(installed)
        remedy = f"Version {installed} is installed: restart it." if newer else "Update it."
        yield f"{client} {version} is outdated and lets servers past the policy: {hole}. {remedy}"


def _causes(running: RunningServer, known: Circumstances) -> Iterator[str]:
    client, host = running.client, running.host
    if client is None:
        yield "No known MCP client started it, so none asked the policy."
        return
    if not known.enforcing(client):
        yield f"{client} does not enforce the organisation's policy."
        return
    yield from (problem.text for problem in known.policy.problems if problem.code in (SHADOWED, USERS_OWN))
    yield from _of_version(client, running, known)
    what = known.superseded.get(host.identity) if host is not None else None
    if host is not None and what is not None:
        remedy = "Restart it from a fresh installation." if what.deleted else "Restart it."
        program = f"The program of {client} ({redact_name(what.path)})"
        yield f"{program} {what.text}: what runs is still the old one, with the rules that it had. {remedy}"
    if host is not None and known.changed_at is not None and host.create_time < known.changed_at:
        yield f"{client} was started before the policy was last changed and may go by the older one: restart it."
    if running.server is None:
        yield f"No entry of {client} yields it: something inside a session of {client} started it."
    lies = known.misplaced(host) if host is not None else None
    if lies is not None:
        where = f"lies at {redact_name(lies)}, where no installer of it puts it"
        yield f"What runs as {client} {where}: it may be a changed copy or another program."
    yield f"{client} should have refused it; what let it through is not known."

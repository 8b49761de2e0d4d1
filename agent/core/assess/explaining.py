"""Which servers somebody may mean by a word, and the explanation of the verdict on each."""

from collections.abc import Iterator, Sequence

from agent.core.assess.configured import judge_configured, oldest_version, organisation_judge
from agent.core.assess.others import OwnPolicies
from agent.core.assess.results import redact
from agent.core.assess.running import as_server
from agent.core.assess.sessions import session_of
from agent.core.assess.terms import Terms
from agent.core.observation import ConfigLook, ManagedLook, ProcessLook
from agent.core.policy.explain import Explanation, explain
from agent.core.policy.provided import CLAUDE_CODE
from agent.core.recognition import recognise
from agent.core.redaction import redact_name
from agent.core.server import Server
from agent.core.world import World


def explain_server(world: World, terms: Terms, wanted: str) -> tuple[Explanation, ...]:
    """Explain every server that `wanted` names: by key, by name, or by the pid of a process of it."""
    if world.configs is None or world.managed is None or world.processes is None:
        return ()
    found = [*_configured(world.configs, world.managed, terms, wanted)]
    return tuple(found or _running(world.configs, world.managed, world.processes, terms, wanted))


def names(world: World, terms: Terms) -> tuple[str, ...]:
    """Return the names of all servers, for somebody whose word named none."""
    if world.configs is None or world.managed is None:
        return ()
    return tuple(
        sorted(
            {
                redact_name(item.server.name)
                for item in judge_configured(world.configs, world.managed, terms.means).judged
            }
        )
    )


def _configured(looks: Sequence[ConfigLook], managed: ManagedLook, terms: Terms, wanted: str) -> Iterator[Explanation]:
    organisation = organisation_judge(managed, terms.means, oldest_version(looks))
    own = OwnPolicies(looks, managed, terms.means.environment)
    by_user = {look.user.name: look for look in looks}
    for item in judge_configured(looks, managed, terms.means).judged:
        server = item.server
        if wanted not in (server.key, server.name):
            continue
        look = by_user.get(server.user or "") or next(iter(looks), None)
        if server.client == CLAUDE_CODE and look is not None:
            outcome = session_of(look, managed, terms.means, server.project)
            judged = next((row for row in outcome.judged if _is(row.server, server)), None)
            yield explain(outcome.policy, server, terms.means.environment, redact=redact, judged=judged)
        else:
            yield own.explained(explain(organisation.policy, server, terms.means.environment, redact=redact))


def _running(
    looks: Sequence[ConfigLook], managed: ManagedLook, processes: ProcessLook, terms: Terms, wanted: str
) -> Iterator[Explanation]:
    configured = judge_configured(looks, managed, terms.means)
    servers = tuple(item.server for item in configured.judged if item.server.command is not None)
    for running in recognise(processes.processes, servers, terms.marks):
        if wanted not in {str(pid) for pid in running.pids}:
            continue
        if running.server is not None:
            yield from _configured(looks, managed, terms, running.server.key)
        else:
            judge = organisation_judge(managed, terms.means, oldest_version(looks))
            yield explain(judge.policy, as_server(running, running.command), terms.means.environment, redact=redact)


def _is(row: Server, server: Server) -> bool:
    return (row.name, row.place, row.scope) == (server.name, server.place, server.scope)

"""Servers that came by a client's command line: judged like any other, and told of as what they are.

A server that the policy allows may come by any way, and without a policy nothing is decided; any other is reported, also where
the policy could not answer.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from agent.core.assess.configured import JudgedServer, shown
from agent.core.assess.results import at, deviation
from agent.core.deviation import Deviation, Evidence
from agent.core.observation import Given, Scope
from agent.core.server import Server
from agent.core.verdict import Answer, Verdict

CONTROL = "server.flag-injected"
SCOPE = Scope("process")


def judge_given(
    given: Iterable[Given], enforcing: Callable[[str], bool], organisation: Callable[[Server], Verdict]
) -> tuple[JudgedServer, ...]:
    """Judge each server once, however many processes were given it."""
    servers = {item.server.key: (item.server, item.flag) for item in given if item.server is not None}
    return tuple(
        JudgedServer(
            server, organisation(server), None, f"A running client was given it by {flag}.", enforcing(server.client)
        )
        for server, flag in servers.values()
    )


def given_deviations(given: Sequence[Given], judged: Sequence[JudgedServer]) -> Iterator[Deviation]:
    """Yield one deviation for each server that the policy does not allow."""
    by_key = {item.server.key: item for item in judged}
    told: set[str] = set()
    for item in given:
        if item.server is None or item.server.key in told:
            continue
        told.add(item.server.key)
        verdict = by_key[item.server.key].verdict
        if verdict.answer is Answer.ALLOWED or verdict.reason.code == "no-policy":
            continue
        server = item.server
        pids = ", ".join(str(other.process[0]) for other in given if other.server and other.server.key == server.key)
        yield deviation(
            CONTROL,
            subject=server.key,
            label=f"{server.user or 'unknown user'}: {server.name!r} ({shown(server)})",
            text=f"A running {server.client} was given {server.name!r} by {item.flag}. {verdict.reason.text}",
            user=server.user,
            evidence=[
                Evidence("option", item.flag),
                Evidence("process", f"pid {pids}"),
                at("entry", server.place),
                Evidence("command" if server.command else "url", shown(server)),
            ],
            depends=(SCOPE, Scope("managed")),
        )

"""Servers that came by a client's command line: judged like any other, and told of as what they are.

A server that the policy allows may come by any way, and without a policy nothing is decided; any other is reported, also where
the policy could not answer.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from agent.core.assess.configured import JudgedServer, shown
from agent.core.assess.others import Both
from agent.core.assess.results import at, deviation, of_user
from agent.core.deviation import Deviation, Evidence
from agent.core.observation import Given, Process, Scope
from agent.core.server import Server
from agent.core.verdict import Answer

CONTROL = "server.flag-injected"
SCOPE = Scope("process")


def judge_given(
    given: Iterable[Given], enforcing: Callable[[str], bool], judge: Callable[[Server], Both]
) -> tuple[JudgedServer, ...]:
    """Judge each server once, however many processes were given it: by the organisation's policy and what binds its client."""
    servers = {item.server.key: (item.server, item.flag) for item in given if item.server is not None}
    return tuple(_judged(server, flag, enforcing, judge(server)) for server, flag in servers.values())


def _judged(server: Server, flag: str, enforcing: Callable[[str], bool], both: Both) -> JudgedServer:
    return JudgedServer(
        server,
        both.verdict,
        None if both.starts else False,
        both.why or f"A running client was given it by {flag}.",
        both.enforced or enforcing(server.client),
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
            label=of_user(server.user, f"{server.name!r} ({shown(server)})"),
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


def unread_deviations(
    given: Sequence[Given], processes: Sequence[Process], index: Callable[[Process], str | None]
) -> Iterator[Deviation]:
    """Yield one deviation for each option of which could not be told what servers it gives; call it where a policy holds."""
    by_identity = {process.identity: process for process in processes}
    told: set[str] = set()
    for item in given:
        process = by_identity.get(item.process)
        if item.problem is None or process is None:
            continue
        client = index(process) or "a client"
        subject = f"{client}:{process.user or '*'}:{item.flag} unread"
        if subject in told:
            continue
        told.add(subject)
        yield deviation(
            CONTROL,
            subject=subject,
            label=of_user(process.user, f"{client} {item.flag}"),
            text=f"A running {client} was given servers by {item.flag}, and which is not known: {item.problem}.",
            user=process.user,
            client=client,
            evidence=[Evidence("option", item.flag), Evidence("process", f"pid {process.pid}")],
            depends=(SCOPE, Scope("managed")),
        )

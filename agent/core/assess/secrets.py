"""`server.secret-in-config`: entries in which a credential stands in clear text; where, never what."""

from collections.abc import Iterable, Iterator

from agent.core.assess.results import at, deviation
from agent.core.deviation import Deviation, Evidence
from agent.core.memo import Memo
from agent.core.observation import Scope
from agent.core.secrets import clear_text_secrets
from agent.core.server import Server


def secret_deviations(servers: Iterable[Server], memo: Memo | None = None) -> Iterator[Deviation]:
    """Yield a deviation for every entry that holds a credential, however often it was judged."""
    memo = memo or Memo()
    for server in {server.key: server for server in servers}.values():
        yield from memo.of(_of_server, server)


def _of_server(server: Server) -> tuple[Deviation, ...]:
    parts = clear_text_secrets(server)
    if not parts:
        return ()
    who = f"{server.user}: " if server.user else ""
    found = deviation(
        "server.secret-in-config",
        subject=server.key,
        label=f"{who}{server.client} {server.name!r}",
        text=f"Whoever can read {server.place.path} can read the credential in {parts[0]} of the entry.",
        user=server.user,
        client=server.client,
        evidence=[
            at("entry", server.place),
            *(Evidence("secret", f"{server.place}: {part}") for part in parts),
        ],
        depends=(Scope("config", server.user, server.client, server.place.path),),
    )
    return (found,)

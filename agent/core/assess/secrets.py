"""`server.secret-in-config`: entries in which a credential stands in clear text; where, never what."""

from collections.abc import Iterable, Iterator

from agent.core.assess.results import deviation
from agent.core.deviation import Deviation, Evidence
from agent.core.observation import Scope
from agent.core.secrets import clear_text_secrets
from agent.core.server import Server


def secret_deviations(servers: Iterable[Server]) -> Iterator[Deviation]:
    """Yield a deviation for every entry that holds a credential, however often it was judged."""
    for server in {server.key: server for server in servers}.values():
        parts = clear_text_secrets(server)
        if not parts:
            continue
        who = f"{server.user}: " if server.user else ""
        yield deviation(
            "server.secret-in-config",
            subject=server.key,
            label=f"{who}{server.client} {server.name!r}",
            text=f"Whoever can read {server.place.path} can read the credential in {parts[0]} of the entry.",
            user=server.user,
            client=server.client,
            evidence=[
                Evidence("entry", str(server.place)),
                *(Evidence("secret", f"{server.place}: {part}") for part in parts),
            ],
            depends=(Scope("config", server.user, server.client, server.place.path),),
        )

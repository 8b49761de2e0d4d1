"""Servers behind servers: the URL that a bridge command leads to, and the address that a proxy's URL carries.

A bridge (`mcp-remote URL`, `supergateway --sse URL`, `mcp-proxy URL`) is a local command to its client and a remote server to the
organisation. Claude Code looks at the command alone; where the organisation's policy judges, both must pass. A URL of its own
session proxy carries the address it leads to in `mcp_url`: deny entries look at that too (observed with 2.1.330: below
`/v2/ccr-sessions/`, and not for other paths).
"""

from collections.abc import Sequence
from urllib.parse import parse_qs

from agent.core.launchers import BRIDGES, launch
from agent.core.policy.expansion import Environment, Text, expand, has_reference
from agent.core.policy.urls import Address, parse_url

_PARAMETER = "mcp_url"
_PROXIES = "/v2/ccr-sessions/"


def reached_url(command: Sequence[Text], written: Sequence[str], environment: Environment) -> Text | None:
    """Return the URL that a bridge leads to, None where the command is no bridge.

    `command` is the expanded command, `written` the same before: where a part of it is unknown, the bridge is sought there, and
    its first argument with a reference in it may be the URL.
    """
    known = [part for part in command if isinstance(part, str)]
    found = launch(known if len(known) == len(command) else written)
    if found is None or found.url is not None or not BRIDGES.intersection((found.package, found.program)):
        return expand(found.url, environment) if found is not None and found.url is not None else None
    return next(
        (expand(arg, environment) for arg in found.args if has_reference(arg) and not arg.startswith("-")), None
    )


def carried(address: Address | None) -> Address | None:
    """Return the address that a session proxy's URL carries, None where there is none."""
    if address is None or _PARAMETER not in address.query or _PROXIES not in address.path:
        return None
    values = parse_qs(address.query.removeprefix("?"), keep_blank_values=True).get(_PARAMETER, [])
    return parse_url(values[0]) if values else None

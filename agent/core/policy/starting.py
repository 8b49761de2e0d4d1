"""What keeps Claude Code from starting a session: the policy, files and options that it cannot read, options that it forbids.

Observed with 2.1.330: a server of `--mcp-config` that the lists let pass, or `--strict-mcp-config`, beside a readable
managed-mcp.json keeps the client from starting. So does a ~/.claude.json that is no JSON.
"""

from collections.abc import Iterable

from agent.core.jsontext import JsonError, decode_utf8, parse
from agent.core.observation import Document, DocumentKind
from agent.core.place import Data
from agent.core.policy.candidates import Session
from agent.core.policy.evaluate import Judge
from agent.core.policy.flags import Flags
from agent.core.server import Server, ServerScope, Transport


def refusal(judge: Judge, session: Session, candidates: Iterable[Server], unusable: str | None) -> str | None:
    """Say why the client does not start, None where it does; `unusable` is what is wrong with the value of `--mcp-config`."""
    policy, flags = judge.policy, session.flags
    if policy.state == "refused":
        return policy.refusal
    unusable = flags.unusable or unusable or _broken_settings(flags) or _broken_state(session.documents)
    if unusable is not None:
        return unusable
    dynamic = [server for server in candidates if server.scope is ServerScope.DYNAMIC]
    brought = any(server.transport is not Transport.SDK for server in dynamic)
    if policy.no_sideload is not None and (brought or flags.sideloads):
        what = "--mcp-config" if brought else flags.sideloads[0]
        return f"disableSideloadFlags in {policy.no_sideload.path} forbids {what}."
    if policy.exclusive is not None and policy.exclusive_usable and not flags.safe:
        given = any(not judge.lists_block(server) for server in dynamic)
        if given or flags.strict:
            what = "--mcp-config" if given else "--strict-mcp-config"
            return f"{what} is not accepted beside {policy.exclusive.path}."
    return None


def _broken_settings(flags: Flags) -> str | None:
    try:
        value = parse(flags.settings.removeprefix("\ufeff")) if flags.settings is not None else {}
    except JsonError:
        return "the value of --settings is no JSON."
    return None if isinstance(value, dict) else "the value of --settings is no JSON object."


def _broken_state(documents: Iterable[Document]) -> str | None:
    """Say which file of the client's own state is no JSON, None where each is; a value that is no object does not matter."""
    for document in documents:
        if document.kind is DocumentKind.CLIENT_STATE and isinstance(document.content, Data):
            text = decode_utf8(document.content.raw)
            try:
                parse(text if text.strip() else "{}")
            except JsonError as error:
                return f"{document.path} is not JSON ({error})."
    return None

r"""Where GitHub Copilot CLI takes its lists from on a device: `managed-settings.json`, HKLM and macOS' managed preferences.

By documentation only: lists of other sources come on top, allow lists intersect and deny lists add up, so that a server must
pass each. Of a device these are the values of HKLM `SOFTWARE\Policies\GitHubCopilot` and the managed preferences
`com.github.copilot`, where a list may be JSON text (microsoft/vscode, `copilotManagedSettings.ts`). What the enterprise's server
sends is not seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from agent.core.jsontext import JsonError, decode, parse
from agent.core.observation import Document, DocumentKind
from agent.core.place import User
from agent.core.policy.expansion import Environment
from agent.core.policy.others.copilot import ALLOW, DENY, FORMS, Lists, is_list, lists_of
from agent.core.policy.others.ruling import (
    NONE,
    Bytes,
    ClientPolicy,
    Closed,
    NotEffective,
    State,
    Unseen,
    of_kind,
    read,
)
from agent.core.server import Server
from agent.core.verdict import Answer, Verdict


@dataclass(frozen=True, slots=True)
class Together:
    """The lists of several sources: a server must pass each."""

    lists: tuple[Lists, ...]
    state: State = "effective"

    @property
    def why(self) -> str | None:
        """What is wrong with the first that has a fault."""
        return next((each.why for each in self.lists if each.why is not None), None)

    def verdict(self, server: Server, environment: Environment) -> Verdict:
        """Return the strictest answer."""
        return min(
            (each.verdict(server, environment) for each in self.lists), key=lambda one: _STRICT.index(one.answer)
        )


_STRICT = (Answer.BLOCKED, Answer.UNDETERMINED, Answer.ALLOWED)


def copilot_policy(documents: Sequence[Document], user: User | None) -> ClientPolicy:
    """Return what the file and the device's store bind the user's Copilot to."""
    mine = [
        item
        for item in documents
        if item.kind is DocumentKind.COPILOT_STORE and item.user in (None, user.name if user else item.user)
    ]
    sources = [_of_store(item) for item in sorted(mine, key=lambda item: item.user is None)]
    sources.append(_of_file(of_kind(documents, DocumentKind.COPILOT_SETTINGS), user))
    open_ = next((each for each in sources if isinstance(each, NotEffective) and each.state != "none"), None)
    lists = tuple(each for each in sources if isinstance(each, Lists))
    if open_ is not None:
        return open_
    return NONE if not lists else (lists[0] if len(lists) == 1 else Together(lists))


def _of_store(document: Document) -> Lists | NotEffective:
    """Return the lists of HKLM or a profile, where a list is one or JSON text of one."""
    found = read(document, None)  # the system reads it for the user
    try:
        value = parse(decode(found.raw)) if isinstance(found, Bytes) else None
        given = {key: value[key] for key in (ALLOW, DENY) if key in value} if isinstance(value, dict) else None
        held = {key: parse(part) if isinstance(part, str) else part for key, part in given.items()} if given else given
    except JsonError:
        held = None
    if held is None or not all(map(is_list, held.values())):
        why = f"What GitHub Copilot makes of {document.path} is not known: its lists are none, or it cannot be read."
        return NotEffective("indeterminate", why)
    return lists_of(document.path, held)


def _of_file(document: Document | None, user: User | None) -> Lists | NotEffective:
    found = read(document, user)
    if document is None or found is None:
        return NONE
    if isinstance(found, Closed):
        return _malformed(document.path, found.why.rstrip("."))
    if isinstance(found, Unseen):
        why = f"What GitHub Copilot does where it cannot read {document.path} is not known: {found.why}."
        return NotEffective("indeterminate", why)
    return _read(document.path, found.raw)


def _read(path: str, raw: bytes) -> Lists | NotEffective:
    try:
        value = parse(raw.decode("utf-8", errors="replace").removeprefix("\ufeff"))
    except JsonError as error:
        return _malformed(path, f"it is not JSON ({error})")
    if not isinstance(value, dict):
        return _malformed(path, "its top level is not a JSON object")
    for key in (ALLOW, DENY):
        if key in value and not is_list(value[key]):
            return _malformed(path, f"{key} is not a list of entries with exactly one of {', '.join(FORMS)} each")
    return lists_of(path, value)


def _malformed(path: str, fault: str) -> Lists:
    why = f"GitHub Copilot takes {path} for an empty allow list and starts no server, because {fault}."
    return Lists(path, (), why=why)

"""Policy stores beside the managed files, as the documents that the client makes of them.

macOS: the property lists that a profile leaves in `/Library/Managed Preferences`, for the device and each user; they are files
and can be read in any root. Windows: HKLM and the hives of the users, of this machine alone. A document's content is the JSON
that the client sees: the store's canonical value, so that two encodings of the same policy have one digest.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from agent.catalog.xmltext import parse_plist
from agent.core.canonical import canonical
from agent.core.observation import Document, DocumentKind
from agent.core.place import Content, Data, Facts, Missing, Names, Trouble, Unreadable
from agent.host.stores import CLAUDE_CODE, CLAUDE_DESKTOP, COPILOT, VSCODE, Value, profile_of
from agent.ports import Files

PREFERENCES = "/Library/Managed Preferences"

Registry = Callable[[], Sequence[Value]]


@dataclass(frozen=True, slots=True)
class Store:
    """A client's policy store: the name of its property list, and the roles of a document for all and of one that users write.

    `users_own` is None where the client reads none.
    """

    plist: str
    kind: DocumentKind
    users_own: DocumentKind | None = None


STORES = {
    CLAUDE_CODE: Store("com.anthropic.claudecode.plist", DocumentKind.MANAGED_PREFERENCES, DocumentKind.USER_REGISTRY),
    CLAUDE_DESKTOP: Store(
        "com.anthropic.claudefordesktop.plist", DocumentKind.DESKTOP_POLICY, DocumentKind.DESKTOP_USER_POLICY
    ),
    "codex": Store("com.openai.codex.plist", DocumentKind.CODEX_PREFERENCES),
    COPILOT: Store("com.github.copilot.plist", DocumentKind.COPILOT_STORE),
    VSCODE: Store("com.microsoft.VSCode.plist", DocumentKind.VSCODE_POLICY, DocumentKind.VSCODE_USER_POLICY),
}
OTHERS = tuple(client for client in STORES if client != CLAUDE_CODE)
"""Whose policy is no part of Claude Code's."""


def store_documents(files: Files, registry: Registry, *clients: str) -> Iterator[Document]:
    """Yield a document for each store of the examined system that holds a policy for one of `clients`."""
    if files.os == "macos":
        yield from _preferences(files, [STORES[client] for client in clients])
    if files.os == "windows":
        yield from (found for value in registry() if value.client in clients for found in _of_registry(value))


def _preferences(files: Files, stores: Sequence[Store]) -> Iterator[Document]:
    listing = files.names(PREFERENCES)
    names = listing.names if isinstance(listing, Names) else ()
    users = [name for name in names if not name.endswith(".plist")]
    for store in stores:
        places = [(f"{PREFERENCES}/{store.plist}", None)] if store.plist in names else []
        for path, user in (*places, *((f"{PREFERENCES}/{name}/{store.plist}", name) for name in users)):
            content = _from_plist(files.read(path))
            if not isinstance(content, Missing):
                yield Document(store.kind, path, content, user=user)


def _from_plist(content: Content) -> Content:
    """Return the list as JSON; one that is none stays as it is, and no client can parse it either."""
    if not isinstance(content, Data):
        return content
    try:
        value = parse_plist(content.raw, content.raw.decode("utf-8", "replace"))
        return replace(content, raw=canonical(value).encode("ascii") if isinstance(value, dict) else b"null")
    except (ValueError, TypeError, RecursionError):
        return replace(content, raw=b"<not a property list>")


def _of_registry(value: Value) -> Iterator[Document]:
    if value.problem is not None:
        content: Content = Unreadable(Trouble.DENIED, f"{value.path}: {value.problem}")
    else:
        content = Data((value.text or "null").encode("utf-8", "surrogatepass"), (_key_of(value),))
    store = STORES[value.client]
    if value.sid is None:
        yield Document(store.kind, value.path, content)
    elif store.users_own is not None:
        home = profile_of(value.sid)
        user = home.rpartition("\\")[2] if home else value.sid
        yield Document(store.users_own, value.path, content, user=user)


def _key_of(value: Value) -> Facts:
    """Return the facts of the key; what may be done to it is decided at it alone, so that the keys above are not passed."""
    return Facts(value.path, "key", mtime_ns=value.written_ns, ctime_ns=value.written_ns)

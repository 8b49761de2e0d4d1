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
from agent.host.stores import CLAUDE_CODE, CLAUDE_DESKTOP, Value, profile_of
from agent.ports import Files

PREFERENCES = "/Library/Managed Preferences"

Registry = Callable[[], Sequence[Value]]


@dataclass(frozen=True, slots=True)
class Store:
    """A client's policy store: the name of its property list, and the roles of a document for all and of one that users write."""

    plist: str
    kind: DocumentKind
    users_own: DocumentKind


STORES = {
    CLAUDE_CODE: Store("com.anthropic.claudecode.plist", DocumentKind.MANAGED_PREFERENCES, DocumentKind.USER_REGISTRY),
    CLAUDE_DESKTOP: Store(
        "com.anthropic.claudefordesktop.plist", DocumentKind.DESKTOP_POLICY, DocumentKind.DESKTOP_USER_POLICY
    ),
}


def store_documents(files: Files, registry: Registry, client: str = CLAUDE_CODE) -> Iterator[Document]:
    """Yield a document for each store of the examined system that holds a policy for `client`."""
    if files.os == "macos":
        yield from _preferences(files, STORES[client])
    if files.os == "windows":
        yield from (_of_registry(value) for value in registry() if value.client == client)


def _preferences(files: Files, store: Store) -> Iterator[Document]:
    listing = files.names(PREFERENCES)
    for name in listing.names if isinstance(listing, Names) else ():
        path, user = f"{PREFERENCES}/{name}", None
        if name != store.plist:
            if name.endswith(".plist"):
                continue
            path, user = f"{path}/{store.plist}", name
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


def _of_registry(value: Value) -> Document:
    if value.problem is not None:
        content: Content = Unreadable(Trouble.DENIED, f"{value.path}: {value.problem}")
    else:
        content = Data((value.text or "null").encode("utf-8", "surrogatepass"), (_key_of(value),))
    store = STORES[value.client]
    if value.sid is None:
        return Document(store.kind, value.path, content)
    home = profile_of(value.sid)
    user = home.rpartition("\\")[2] if home else value.sid
    return Document(store.users_own, value.path, content, user=user)


def _key_of(value: Value) -> Facts:
    """Return the facts of the key; what may be done to it is decided at it alone, so that the keys above are not passed."""
    return Facts(value.path, "key", mtime_ns=value.written_ns, ctime_ns=value.written_ns)

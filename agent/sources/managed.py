"""The managed files of a client that enforces a policy: what stands where it reads them, and what lies beside by mistake.

Nothing is judged here; `agent.core.policy` says what a client makes of each document.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from agent.catalog.paths import expand
from agent.catalog.rows import ClientRow, Templates
from agent.core.accounts import Accounts, read_accounts
from agent.core.acl import Guard
from agent.core.observation import BaselineFile, Coverage, CoverageState, Document, DocumentKind, ManagedLook, Scope
from agent.core.place import Content, Data, Facts, Listing, Missing, Names, Trouble, Unreadable, pure_path
from agent.core.policy.managed import counts_as_dropin
from agent.core.policy.provided import CLAUDE_CODE
from agent.core.writer import Writer
from agent.host.account_files import group_lines, passwd_lines
from agent.ports import Files
from agent.sources.passing import touched
from agent.sources.settling import settled
from agent.sources.stores import PREFERENCES, Registry, store_documents
from agent.sources.windows_side import inside_windows, registry_unseen, windows_documents

SIGNATURE = ".sig"
"""What `ssh-keygen -Y sign` adds to the name of the file that it signs."""

_SCOPE = Scope("managed")
_BLIND = {
    Trouble.DENIED: CoverageState.UNREADABLE,
    Trouble.IO_ERROR: CoverageState.UNREADABLE,
    Trouble.TIMED_OUT: CoverageState.TIMED_OUT,
}
"""Troubles that say nothing about what stands there. The others are facts about the file, and the look is complete."""


_Found = TypeVar("_Found", Data, Missing, Unreadable, Content, Listing)


def nothing_known(_: Facts) -> None:
    """Say that nothing is known of what protects a file besides owner and mode."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is looked at beside the managed files.

    `baselines` is the folder of signed baselines, a path inside the root. `guard` tells what protects a file besides owner and
    mode. `registry` reads the Windows registry; None: it cannot be looked at here. `own` tells the facts of the agent's own.
    `writers` tells who last wrote at a path.
    """

    baselines: str | None = None
    guard: Callable[[Facts], Guard | None] = nothing_known
    registry: Registry | None = None
    own: Callable[[], tuple[Facts, ...]] = tuple
    writers: Callable[[], Mapping[str, Writer]] = dict


class ManagedSource:
    """Looks at the managed files of the client `row`. Links are followed anywhere in the root, as the client follows them."""

    name = "managed"

    def __init__(
        self, files: Files, row: ClientRow, *, interval_s: float = 60.0, around: Surroundings | None = None
    ) -> None:
        if row.managed is None:
            raise ValueError(f"the catalog's row {row.id} names no managed files")
        self.interval_s = interval_s
        self._files, self._row, self._names = files, row, row.managed
        self._folder = self._paths(row.managed.folder)[0]
        self._unread = self._paths(row.managed.unread)
        self._around = around or Surroundings()
        self._before: tuple[Document, ...] = ()

    def look(self) -> Sequence[ManagedLook]:
        """Return the one look."""
        dropins = self._files.names(self._in(self._folder, self._names.dropins))
        names = dropins.names if isinstance(dropins, Names) else ()
        folder = self._in(self._folder, self._names.dropins)
        documents = (
            self._document(DocumentKind.MANAGED_SETTINGS, self._in(self._folder, self._names.settings)),
            *(
                self._document(DocumentKind.MANAGED_DROPIN, self._in(folder, name))
                for name in names
                if counts_as_dropin(name)
            ),
            self._document(DocumentKind.MANAGED_MCP, self._in(self._folder, self._names.servers)),
            *self.stores(CLAUDE_CODE),
            *(windows_documents(self._files, self._document) if inside_windows(self._files) else ()),
        )
        misplaced = tuple(
            document
            for document in (*self._misspelt(), *self._misplaced_dropins(folder, names), *self._in_unread_folders())
            if not isinstance(document.content, Missing)
        )
        coverage = (_coverage([document.content for document in documents], dropins), *self._left_out())
        own = self._around.own()
        marks, self._before = touched(self._before, documents), documents
        guards = self._guards([dropins, *(document.content for document in (*documents, *misplaced))], own)
        return [
            ManagedLook(
                self._folder,
                tuple(replace(document, content=_with_rights(document.content, guards)) for document in documents),
                _with_rights(dropins, guards),
                misplaced,
                coverage,
                baselines=tuple(self._signed()),
                touched=marks,
                guards=guards,
                accounts=accounts_of(self._files),
                own=own,
                writers=self._around.writers(),
            )
        ]

    def guarded(self, documents: Sequence[Document]) -> tuple[tuple[Document, ...], Mapping[str, Guard]]:
        """Return `documents` with what access control lists say of readers, and the guards of everything on the way."""
        guards = self._guards([document.content for document in documents], ())
        return tuple(replace(item, content=_with_rights(item.content, guards)) for item in documents), guards

    def stores(self, *clients: str) -> Iterator[Document]:
        """Yield what the policy stores beside files hold for `clients`."""
        yield from store_documents(self._files, self._around.registry or tuple, *clients)

    def folders(self) -> Sequence[str]:
        """Return the folders in which it matters who writes."""
        return (self._folder, self._in(self._folder, self._names.dropins))

    def watched(self) -> Sequence[str]:
        """Return the folders, any name in them, and the files; also those that do not exist yet."""
        separator = "\\" if self._files.os == "windows" else "/"
        dropins = self._in(self._folder, self._names.dropins)
        elsewhere = [self._in(folder, name) for folder in self._unread for name in self._both()]
        baselines = [self._around.baselines + separator] if self._around.baselines is not None else []
        stores = [PREFERENCES + separator] if self._files.os == "macos" else []
        return (self._folder + separator, dropins + separator, *elsewhere, *stores, *baselines)

    def _left_out(self) -> Iterator[Coverage]:
        if self._files.os == "windows" and self._around.registry is None:
            text = "the registry of a disk that does not run is not read: a policy in HKLM or HKCU is not seen"
            yield Coverage(Scope("managed", path="registry"), CoverageState.SKIPPED, text)
        if inside_windows(self._files):
            yield registry_unseen()

    def _guards(self, found: Sequence[Content | Listing], own: Sequence[Facts]) -> dict[str, Guard]:
        passed = {facts.path: facts for item in found for facts in item.access}
        each = self._files.os != "macos"  # there a program has to be started for each
        passed |= {facts.path: facts for facts in own if each or facts.kind == "folder"}
        return {path: guard for path, facts in passed.items() if (guard := self._around.guard(facts)) is not None}

    def _signed(self) -> Iterator[BaselineFile]:
        """Yield every `*.json` of the folder of baselines with the signature beside it."""
        if self._around.baselines is None:
            return
        for name in filter(counts_as_dropin, _names(self._files.names(self._around.baselines))):
            path = self._in(self._around.baselines, name)
            content = settled(lambda path=path: self._files.read(path))  # type: ignore[misc]
            yield BaselineFile(path, content, self._files.read(path + SIGNATURE))

    def _both(self) -> dict[str, DocumentKind]:
        return {self._names.settings: DocumentKind.MANAGED_SETTINGS, self._names.servers: DocumentKind.MANAGED_MCP}

    def _misspelt(self) -> Iterator[Document]:
        """Yield files whose name differs from the right one by case, or by a dot before it, where the client sees that."""
        for name in _names(self._files.names(self._folder)):
            for right, kind in self._both().items():
                plain = name.removeprefix(".")
                same = (
                    plain.casefold() == right
                    if self._files.os == "linux"
                    else plain.casefold() == right and plain != name
                )
                if same and name != right:
                    yield self._document(kind, self._in(self._folder, name))

    def _misplaced_dropins(self, folder: str, names: Sequence[str]) -> Iterator[Document]:
        """Yield what stands in the drop-in folder as if it counted: hidden, `.JSON`, `.jsonc` and such, one folder further down.

        A name such as `x.json.bak` says that it is not meant to count.
        """
        for name in names:
            path = self._in(folder, name)
            if _looks_like_json(name) and not counts_as_dropin(name):
                yield self._document(DocumentKind.MANAGED_DROPIN, path)
            elif not _looks_like_json(name):
                for nested in filter(_looks_like_json, _names(self._files.names(path))):
                    yield self._document(DocumentKind.MANAGED_DROPIN, self._in(path, nested))

    def _in_unread_folders(self) -> Iterator[Document]:
        for folder in self._unread:
            for name, kind in self._both().items():
                yield self._document(kind, self._in(folder, name))
            dropins = self._in(folder, self._names.dropins)
            for name in filter(_looks_like_json, _names(self._files.names(dropins))):
                yield self._document(DocumentKind.MANAGED_DROPIN, self._in(dropins, name))

    def _document(self, kind: DocumentKind, path: str) -> Document:
        return Document(kind, path, settled(lambda: self._files.read(path)))

    def _in(self, folder: str, name: str) -> str:
        return str(pure_path(self._files.os, folder) / name)

    def _paths(self, templates: Templates) -> tuple[str, ...]:
        return expand(self._row, templates, self._files.os, home="")


def accounts_of(files: Files) -> Accounts:
    """Return who the numbers of the examined machine are; Windows has no such numbers."""
    return read_accounts(passwd_lines(files), group_lines(files))


def _with_rights(found: _Found, guards: Mapping[str, Guard]) -> _Found:
    """Return `found` with what the access control lists on the way say of readers."""
    rights = {path: guard.rights for path, guard in guards.items() if guard.rights is not None}
    if not any(facts.path in rights for facts in found.access):
        return found
    return replace(found, access=tuple(replace(facts, rights=rights.get(facts.path)) for facts in found.access))


def _names(listing: Listing) -> tuple[str, ...]:
    return listing.names if isinstance(listing, Names) else ()


def _looks_like_json(name: str) -> bool:
    return name.casefold().endswith((".json", ".jsonc", ".json5", ".json.txt"))


def _coverage(contents: Sequence[Content], dropins: Listing) -> Coverage:
    for found in (*contents, dropins):
        if isinstance(found, Unreadable) and found.trouble in _BLIND:
            return Coverage(_SCOPE, _BLIND[found.trouble], found.text)
    if isinstance(dropins, Names) and dropins.truncated:
        return Coverage(_SCOPE, CoverageState.SKIPPED, "the drop-in folder holds more files than are looked at")
    there = any(isinstance(content, Data | Unreadable) for content in contents)
    return Coverage(_SCOPE, CoverageState.COMPLETE if there else CoverageState.ABSENT)

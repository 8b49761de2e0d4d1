"""The organisation's side of the policy: managed settings, drop-ins, managed-mcp.json and `managedMcpServers`, merged.

A drop-in counts if its name ends in ".json", in lower case, and does not start with a dot; drop-ins follow the base in the order
of UTF-16 code units. Wrong types in restrictive keys take the restrictive meaning; `"true"` and `"false"` are read as what they
say; null is no value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from agent.core.access import may_read
from agent.core.entry import read_servers
from agent.core.observation import Document, DocumentKind
from agent.core.place import Listing, Names, Place, Trouble, Unreadable, User
from agent.core.policy.documents import (
    Absent,
    ManagedMcp,
    Refuses,
    Settings,
    Skipped,
    Unjudged,
    read_managed_mcp,
    read_settings,
)
from agent.core.policy.members import LOCK, NO_SIDELOAD, PLUGIN_ONLY, misfits, sets
from agent.core.policy.names import spoils
from agent.core.policy.provided import CLAUDE_CODE, SERVERS, provided_servers
from agent.core.policy.rules import ALLOW, DENY, Rule, RuleScope, read_list
from agent.core.policy.rulesets import NEWEST, RuleSet
from agent.core.policy.sources import Source, read_env, read_rejected
from agent.core.policy.switches import inherited_from, odd_switches, plugin_only, switch
from agent.core.server import Problem, Server, ServerScope

_SAYS = frozenset({ALLOW, DENY, LOCK, SERVERS, PLUGIN_ONLY, NO_SIDELOAD})
_HELPERS = ("policyHelper", "policyHelpers")


@dataclass(frozen=True, slots=True)
class Managed:
    """The managed side, merged. `refusal` is why the client does not start, `unjudged` why that could not be found out.

    `unread` is what keeps it from starting unless some managed file sets something. `keys` are all members that are set to
    something, `behavior` is `managedSourcesBehavior`, `inherits` what the files say of `wslInheritsWindowsSettings` together.
    """

    rules: RuleSet = NEWEST
    sources: tuple[Source, ...] = ()
    says_something: bool = False
    allow: tuple[Rule, ...] | None = None
    deny: tuple[Rule, ...] = ()
    servers: tuple[Server, ...] = ()
    exclusive: Place | None = None
    exclusive_usable: bool = False
    lock: Place | None = None
    plugin_only: Place | None = None
    no_sideload: Place | None = None
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    rejected: Mapping[str, Place] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    refusal: str | None = None
    unjudged: str | None = None
    unread: str | None = None
    keys: frozenset[str] = frozenset()
    behavior: str | None = None
    inherits: Literal["no", "invalid", "yes"] = "no"


def read_files(documents: Sequence[Document], dropins: Listing | None, user: User | None, rules: RuleSet) -> Managed:
    """Return what the managed settings files and drop-ins among `documents` say to the client of `user`."""
    managed = _folder(Managed(rules=rules), dropins, user)
    closed = bool(managed.sources)
    for document in settings_documents(documents) if rules.dropins and not closed else _bases(documents):
        managed = _with_settings(managed, document, user)
    fatal = next((problem for problem in managed.problems if problem.code in _fatal(rules)), None)
    if fatal is not None:
        managed = _lost(managed, fatal)
    if managed.unread is not None and not managed.keys:
        return replace(managed, refusal=managed.refusal or managed.unread)
    return managed


def read_store(documents: Sequence[Document], kind: DocumentKind, user: User | None, rules: RuleSet) -> Managed:
    """Return what the first document of `kind` says; one for the user counts before the device's."""
    managed = Managed(rules=rules)
    found = [document for document in documents if document.kind is kind]
    for document in sorted(found, key=lambda document: document.user is None):
        managed = _with_settings(managed, document, user)
        if managed.sources:
            break
    return managed


def with_managed_mcp(managed: Managed, documents: Sequence[Document], user: User | None) -> Managed:
    """Return `managed` with what managed-mcp.json adds, whichever source of settings counts."""
    for document in documents:
        if document.kind is DocumentKind.MANAGED_MCP:
            managed = _with_managed_mcp(managed, document, user)
    return managed


def counts_as_dropin(path: str) -> bool:
    """Say whether the client reads a file of this name from the drop-in folder."""
    name = _file_name(path)
    return name.endswith(".json") and not name.startswith(".")


def settings_documents(documents: Sequence[Document]) -> list[Document]:
    """Return the managed settings documents in the order in which the client merges them."""
    dropins = [
        document
        for document in documents
        if document.kind is DocumentKind.MANAGED_DROPIN and counts_as_dropin(document.path)
    ]
    return [*_bases(documents), *sorted(dropins, key=lambda document: _code_units(_file_name(document.path)))]


def _folder(managed: Managed, dropins: Listing | None, user: User | None) -> Managed:
    """Note what keeps the drop-in folder itself from being read."""
    denied = isinstance(dropins, Unreadable) and dropins.trouble is Trouble.DENIED
    hidden = isinstance(dropins, Names) and user is not None and not may_read(dropins.access, user)
    if denied or hidden:
        path = dropins.access[-1].path if dropins is not None and dropins.access else "managed-settings.d"
        who = f"The user {user.name}" if user is not None else "The reader"
        text = f"{who} may not read the folder, so no file in it binds: make it readable for everyone."
        problem = Problem(Place(path), "unreadable", text)
        source = Source(DocumentKind.MANAGED_DROPIN.value, path, "unreadable", selected=False, problems=(problem,))
        return replace(managed, sources=(source,), problems=(problem,))
    if isinstance(dropins, Unreadable):
        if dropins.trouble is Trouble.LINK_LOOP:
            return replace(managed, unread=f"managed-settings.d cannot be read: {dropins.text}")
        if dropins.trouble not in (Trouble.NOT_A_FOLDER, Trouble.NOT_REGULAR):
            return replace(managed, unjudged=f"managed-settings.d could not be looked at: {dropins.text}")
    if isinstance(dropins, Names) and dropins.truncated:
        return replace(managed, unjudged="managed-settings.d holds more files than are looked at.")
    return managed


def _with_settings(managed: Managed, document: Document, user: User | None) -> Managed:
    reading = read_settings(document, user, refuses=managed.rules.refuses_malformed)
    if isinstance(reading, Absent):
        return managed
    if isinstance(reading, Settings):
        return _merge(managed, document, reading.value)
    code = reading.code if isinstance(reading, Skipped) else "refused"
    if isinstance(reading, Unjudged):
        code = "indeterminate"
    problem = Problem(Place(document.path), code, reading.why)
    sources = (*managed.sources, Source(document.kind.value, document.path, code, selected=False, problems=(problem,)))
    managed = replace(managed, sources=sources, problems=(*managed.problems, problem))
    if isinstance(reading, Refuses) and reading.alone:
        return replace(managed, unread=managed.unread or f"{document.path}: {reading.why}")
    if isinstance(reading, Refuses):
        return replace(managed, refusal=managed.refusal or f"{document.path}: {reading.why}")
    if isinstance(reading, Unjudged):
        return replace(managed, unjudged=managed.unjudged or f"{document.path}: {reading.why}")
    return managed


def _merge(managed: Managed, document: Document, value: Mapping[str, Any]) -> Managed:
    rules, path = managed.rules, document.path
    allow = read_list(value, ALLOW, RuleScope.MANAGED, path, closes=rules.closes_wrong_types)
    deny = read_list(value, DENY, RuleScope.MANAGED, path)
    servers, dropped = provided_servers(value, path) if rules.managed_servers else ({}, ())
    odd = (*odd_switches(value, path), *(() if rules.drops_bad_value else misfits(value, path)))
    problems = (*allow.problems, *deny.problems, *dropped, *odd)
    state = "effective" if value else "empty"
    source = Source(document.kind.value, path, state, selected=bool(value), problems=problems)
    names = {server.name for server in servers.values()}
    kept = tuple(server for server in managed.servers if server.name not in names)
    helper = next((key for key in _HELPERS if value.get(key) is not None), None)
    return replace(
        managed,
        sources=(*managed.sources, source),
        says_something=managed.says_something or not _SAYS.isdisjoint(value),
        allow=managed.allow if allow.rules is None else (*(managed.allow or ()), *allow.rules),
        deny=(*managed.deny, *(deny.rules or ())),
        servers=(*kept, *servers.values()),
        lock=switch(value, LOCK, path, managed.lock),
        plugin_only=plugin_only(value, path, managed.plugin_only),
        no_sideload=switch(value, NO_SIDELOAD, path, managed.no_sideload),
        env={**managed.env, **read_env(value)},
        rejected={**managed.rejected, **read_rejected(value, path)},
        problems=(*managed.problems, *problems),
        keys=managed.keys.union(key for key, item in value.items() if sets(key, item, servers)),
        behavior=str(value["managedSourcesBehavior"]) if "managedSourcesBehavior" in value else managed.behavior,
        inherits=inherited_from(value, managed.inherits),
        unjudged=managed.unjudged or (helper and f"{path}: {helper} computes the policy, which only the client runs."),
    )


def _with_managed_mcp(managed: Managed, document: Document, user: User | None) -> Managed:
    found = read_managed_mcp(document, user)
    if isinstance(found, Unjudged):
        problem = Problem(Place(document.path), "indeterminate", found.why)
        source = Source(document.kind.value, document.path, "indeterminate", selected=False, problems=(problem,))
        return replace(
            managed,
            sources=(*managed.sources, source),
            problems=(*managed.problems, problem),
            unjudged=managed.unjudged or f"{document.path}: {found.why}",
        )
    if found.servers is not None and spoils(found.servers, managed.rules):
        why = "This version of Claude Code takes it as if it were not there, because it holds a server called 'constructor'."
        found = ManagedMcp(exclusive=False, state="malformed", why=why)
    if not found.exclusive and found.why is None:
        return managed
    servers, problems = _file_servers(found, document.path)
    names = {server.name for server in servers}
    return replace(
        managed,
        sources=(
            *managed.sources,
            Source(document.kind.value, document.path, found.state, selected=found.exclusive, problems=problems),
        ),
        says_something=managed.says_something or found.exclusive,
        exclusive=Place(document.path) if found.exclusive else None,
        exclusive_usable=found.usable,
        servers=(*servers, *(server for server in managed.servers if server.name not in names)),
        problems=(*managed.problems, *problems),
    )


def _file_servers(found: ManagedMcp, path: str) -> tuple[tuple[Server, ...], tuple[Problem, ...]]:
    if found.servers is None:
        return (), ((Problem(Place(path), found.state, found.why),) if found.why else ())
    return read_servers(found.servers, client=CLAUDE_CODE, user=None, scope=ServerScope.MANAGED, path=path)


def _fatal(rules: RuleSet) -> frozenset[str]:
    """Return the codes of problems that cost the whole managed policy, as they did in old versions."""
    entries = () if rules.drops_bad_entry else ("invalid-entry", "invalid-list")
    return frozenset((*entries, *(() if rules.drops_bad_value else ("invalid-value",))))


def _lost(managed: Managed, fatal: Problem) -> Managed:
    """Return what is left where `fatal` costs the whole managed policy."""
    text = "This version of Claude Code drops the whole managed policy because of what is wrong here: update it, or mend that."
    lost = Problem(fatal.place, "policy-lost", text)
    return Managed(rules=managed.rules, sources=managed.sources, problems=(*managed.problems, lost))


def _bases(documents: Sequence[Document]) -> list[Document]:
    return [document for document in documents if document.kind is DocumentKind.MANAGED_SETTINGS]


def _file_name(path: str) -> str:
    return path.rpartition("/" if path.startswith("/") else "\\")[2]


def _code_units(name: str) -> bytes:
    return name.encode("utf-16-be", errors="surrogatepass")

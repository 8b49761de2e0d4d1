"""Every source of managed settings, which one wins, and what the others still add.

From the highest rank: the cache of server-managed settings in a user's home, the system's policy store (macOS managed
preferences, Windows HKLM), inside WSL the managed files of Windows (`windows_side`), the managed files with their drop-ins merged
and HKCU, which users write themselves. The highest one that sets any policy key is the policy ("first-wins"); below "merge" lists
add up, and `allowedMcpServers` comes whole from the highest that sets it. From 2.1.273 on the lock and deny entries count from
every source but HKCU, and under the lock the allow list comes from the highest that sets one. HKCU counts only where no
administrator's source is present at all.

Source: code.claude.com/docs/en/managed-settings. managed-mcp.json takes no part: it applies whichever source wins.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from agent.core.observation import Document, DocumentKind
from agent.core.place import Listing, Missing, Place, User
from agent.core.policy.expansion import Environment
from agent.core.policy.managed import Managed, read_files, read_store, with_managed_mcp
from agent.core.policy.members import INHERITS, LOCK
from agent.core.policy.rules import Rule
from agent.core.policy.rulesets import RuleSet
from agent.core.policy.sources import SHADOWED, USERS_OWN, Source
from agent.core.policy.windows_side import read_sides
from agent.core.server import Problem, Server

TITLES = {
    DocumentKind.REMOTE_CACHE: "the cache of server-managed settings",
    DocumentKind.MANAGED_PREFERENCES: "the system's policy store",
    DocumentKind.WINDOWS_SETTINGS: "the managed files of Windows",
    DocumentKind.MANAGED_SETTINGS: "the managed files",
    DocumentKind.USER_REGISTRY: "HKCU, which the user writes",
}
"""The sources in the order of their rank, the highest first, with what people call them."""
_BESIDE_FILES = frozenset((*TITLES, DocumentKind.WINDOWS_DROPIN)) - {DocumentKind.MANAGED_SETTINGS}
_USERS_OWN = frozenset({DocumentKind.REMOTE_CACHE, DocumentKind.USER_REGISTRY})
_CONTROL_KEYS = frozenset({INHERITS, "managedSourcesBehavior"})
_ELSEWHERE = ("CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY")
_ON = ("1", "true")


@dataclass(frozen=True, slots=True)
class Tier:
    """What one source says."""

    kind: DocumentKind
    said: Managed

    @property
    def keys(self) -> frozenset[str]:
        """The policy keys that it sets to something."""
        return self.said.keys - _CONTROL_KEYS

    @property
    def path(self) -> str:
        """Where it is, for people."""
        return self.said.sources[0].path if self.said.sources else TITLES[self.kind]


def read_managed(documents: Sequence[Document], dropins: Listing | None, user: User | None, rules: RuleSet) -> Managed:
    """Return the managed side of `documents` as the client of `user` reads it."""
    sides = read_sides(documents, read_files(documents, dropins, user, rules), user, rules)
    files = Tier(DocumentKind.MANAGED_SETTINGS, sides.linux)
    windows = Tier(DocumentKind.WINDOWS_SETTINGS, sides.windows)
    there = {document.kind for document in documents if not isinstance(document.content, Missing)}
    if there.isdisjoint(_BESIDE_FILES):
        return with_managed_mcp(files.said, documents, user)
    known = {files.kind: files, windows.kind: windows}
    tiers = [known.get(kind) or Tier(kind, read_store(documents, kind, user, rules)) for kind in TITLES]
    return with_managed_mcp(_ranked(tiers, rules), documents, user)


def counted(documents: Sequence[Document], environment: Environment) -> Sequence[Document]:
    """Return `documents` without the cache where the client was started for another endpoint than Anthropic's, and ignores it.

    Observed with Claude Code 2.1.330: what the managed settings themselves put into the environment makes no difference.
    """
    base = environment.lookup("ANTHROPIC_BASE_URL")
    other = isinstance(base, str) and base.rstrip("/") not in ("", "https://api.anthropic.com")
    if not other and all(environment.lookup(name) not in _ON for name in _ELSEWHERE):
        return documents
    return [document for document in documents if document.kind is not DocumentKind.REMOTE_CACHE]


def _ranked(tiers: Sequence[Tier], rules: RuleSet) -> Managed:
    admins = [tier for tier in tiers if tier.kind is not DocumentKind.USER_REGISTRY]
    present = any(_present(tier) for tier in admins if tier.kind not in _USERS_OWN)
    candidates = [tier for tier in admins if tier.keys]
    if not candidates and not present:
        candidates = [tier for tier in tiers if tier.keys]
    refusal = next((tier.said.refusal for tier in admins if tier.said.refusal), None)
    if not candidates:
        return replace(_told(tiers[0].said, tiers, None), refusal=refusal)
    leader = candidates[0]
    merges = rules.merges_sources and _behavior(tiers) == "merge" and leader.kind is not DocumentKind.USER_REGISTRY
    said = _merged(candidates) if merges else leader.said
    if rules.crosses_sources and not merges and leader.kind is not DocumentKind.USER_REGISTRY:
        said = _crossed(leader, candidates)
    helper = leader.said.unjudged if leader.kind not in _USERS_OWN else None
    blind = next((tier.said.unjudged for tier in admins if tier.said.unjudged and not tier.keys), None)
    return replace(_told(said, tiers, None if merges else leader), refusal=refusal, unjudged=helper or blind)


def _present(tier: Tier) -> bool:
    """Say whether an administrator's document is there: it sets a policy key, or could not be read."""
    unread = any(source.state not in ("effective", "empty") for source in tier.said.sources)
    return bool(tier.keys or tier.said.refusal or tier.said.unjudged or unread)


def _behavior(tiers: Sequence[Tier]) -> str | None:
    """Return `managedSourcesBehavior` of the highest source that has it or any policy key; HKCU has no say."""
    for tier in tiers:
        if tier.kind is not DocumentKind.USER_REGISTRY and (tier.said.behavior is not None or tier.keys):
            return tier.said.behavior
    return None


def _crossed(leader: Tier, candidates: Sequence[Tier]) -> Managed:
    """Return what the leader says with the keys that count from every administrator's source."""
    said = leader.said
    lock = next((tier.said.lock for tier in candidates if tier.said.lock is not None), None)
    allow = said.allow
    if lock is not None:
        allow = next((tier.said.allow for tier in candidates if tier.said.allow is not None), None)
    return replace(said, lock=lock, allow=allow, deny=_deny(candidates), env=_env(candidates))


def _merged(candidates: Sequence[Tier]) -> Managed:
    """Return what the sources say together: the strictest locks, all deny entries, the highest allow list."""
    servers: dict[str, Server] = {}
    for tier in reversed(candidates):
        servers.update({server.name: server for server in tier.said.servers})
    crossed = _crossed(candidates[0], candidates)
    return replace(
        crossed,
        says_something=any(tier.said.says_something for tier in candidates),
        allow=next((tier.said.allow for tier in candidates if tier.said.allow is not None), None),
        servers=tuple(servers.values()),
        plugin_only=next((tier.said.plugin_only for tier in candidates if tier.said.plugin_only), None),
        no_sideload=next((tier.said.no_sideload for tier in candidates if tier.said.no_sideload), None),
        rejected={name: place for tier in reversed(candidates) for name, place in tier.said.rejected.items()},
    )


def _deny(candidates: Sequence[Tier]) -> tuple[Rule, ...]:
    return tuple(rule for tier in candidates for rule in tier.said.deny)


def _env(candidates: Sequence[Tier]) -> dict[str, str]:
    return {name: value for tier in reversed(candidates) for name, value in tier.said.env.items()}


def _told(said: Managed, tiers: Sequence[Tier], leader: Tier | None) -> Managed:
    """Return `said` with every source that was found: selected, or skipped and why."""
    sources: list[Source] = []
    problems: list[Problem] = []
    for tier in tiers:
        notes = tuple(_notes(tier, leader))
        for source in tier.said.sources:
            chosen = source.selected and (leader is None or tier is leader)
            sources.append(replace(source, selected=chosen, problems=(*source.problems, *notes)))
        problems += [*tier.said.problems, *notes]
    return replace(said, sources=tuple(sources), problems=tuple(problems))


def _notes(tier: Tier, leader: Tier | None) -> Iterator[Problem]:
    if leader is None or not tier.keys:
        return
    if tier is not leader and tier.kind is not DocumentKind.USER_REGISTRY:
        beside = f"The deny entries and {LOCK} in it count beside it; nothing else in it binds."
        text = f"{leader.path} ({TITLES[leader.kind]}) takes the place of {TITLES[tier.kind]}. {beside}"
        yield Problem(Place(tier.path), SHADOWED, text)
    if tier is leader and tier.kind in _USERS_OWN:
        text = f"The policy in force is {TITLES[tier.kind]}: who can write {tier.path} can change it."
        yield Problem(Place(tier.path), USERS_OWN, text)

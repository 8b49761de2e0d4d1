"""Policy documents → the policy in force: whose rules count, what shuts servers out beside them, and what went wrong on the way.

Managed settings come first, then the drop-ins in code-unit order of their names; lists add up, of single values the last one
counts, null changes nothing. Every file is put right on its own before it is merged, so a broken drop-in never undoes the base.
Users, projects and `--settings` add deny entries always, and allow entries unless a managed `allowManagedMcpServersOnly` locks
the list; the lock is honoured in managed files alone.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from agent.core.observation import Document, ManagedLook
from agent.core.place import Listing, Place, User
from agent.core.policy.managed import Managed
from agent.core.policy.ranking import read_managed
from agent.core.policy.rules import Rule
from agent.core.policy.rulesets import NEWEST, RuleSet, rules_for
from agent.core.policy.sources import Source, read_flag_settings, read_user_side
from agent.core.server import Problem, Server

T = TypeVar("T")
State = Literal["none", "effective", "refused", "indeterminate"]


@dataclass(frozen=True, slots=True)
class Policy:
    """What decides, for one reader in one folder or (without user files) for the organisation.

    `allow` is None where no list is set anywhere that counts; `allow_outside` says that more than what a repository brings along
    sets one: that can admit the organisation's servers, and not keep them out. `exclusive` and `plugin_only` name what shuts
    other servers out.
    `managed_env` and `user_env` are the variables that settings files set; they may hold secrets. `refusal` is why the client
    does not start, or why that is not known.
    """

    state: State = "none"
    sources: tuple[Source, ...] = ()
    allow: tuple[Rule, ...] | None = None
    allow_outside: bool = True
    deny: tuple[Rule, ...] = ()
    managed_servers: tuple[Server, ...] = ()
    exclusive: Place | None = None
    exclusive_usable: bool = False
    lock: Place | None = None
    plugin_only: Place | None = None
    no_sideload: Place | None = None
    managed_env: Mapping[str, str] = field(default_factory=dict, repr=False)
    user_env: Mapping[str, str] = field(default_factory=dict, repr=False)
    rejected: Mapping[str, Place] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    client_version: str | None = None
    version_note: str | None = None
    rules: RuleSet = NEWEST
    refusal: str | None = None

    @property
    def locked(self) -> bool:
        """True where users cannot widen the allow list."""
        return self.lock is not None

    @property
    def digest(self) -> str:
        """SHA-256 over everything that decides: equal digests mean equal policy."""
        parts: list[object] = [
            self.state,
            None if self.allow is None else sorted(rule.text for rule in self.allow),
            sorted(rule.text for rule in self.deny),
            self.exclusive is not None,
            self.locked,
            self.plugin_only is not None,
            sorted(server.key for server in self.managed_servers),
            sorted(self.managed_env.items()),
            self.rules.since,
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def effective(
    documents: Sequence[Document],
    *,
    user: User | None = None,
    dropins: Listing | None = None,
    client_version: str | None = None,
    flag_settings: str | None = None,
    setting_sources: frozenset[str] | None = None,
) -> Policy:
    """Return the policy of `documents` as the client of `user` reads them; None reads everything.

    `dropins` is the listing of the drop-in folder itself. `flag_settings` is the text given with `--settings`;
    `setting_sources` what `--setting-sources` left of "user", "project" and "local". Project and local settings must be those of
    the folder that the session runs in: the caller picks them.
    """
    rules, note = rules_for(client_version)
    managed = read_managed(documents, dropins, user, rules)
    sides = [side for document in documents if (side := read_user_side(document, user, setting_sources)) is not None]
    if flag_settings is not None:
        sides.append(read_flag_settings(flag_settings))
    deny = [*managed.deny, *(rule for side in sides for rule in side.deny)]
    allow = _allow(managed, [side.allow for side in sides])
    state: State = "none"
    if managed.refusal or managed.unjudged:
        state = "refused" if managed.refusal else "indeterminate"
    elif managed.says_something:
        state = "effective"
    return Policy(
        state=state,
        sources=(*managed.sources, *(side.source for side in sides)),
        allow=allow,
        allow_outside=allow is None or _allow(managed, [s.allow for s in sides if not s.scope.repository]) is not None,
        deny=tuple(deny) if rules.lists else (),
        managed_servers=managed.servers,
        exclusive=managed.exclusive,
        exclusive_usable=managed.exclusive_usable,
        lock=managed.lock,
        plugin_only=managed.plugin_only,
        no_sideload=managed.no_sideload,
        managed_env=managed.env,
        user_env=_merged(side.env for side in sides if not side.scope.repository),
        rejected={**managed.rejected, **_merged(side.rejected for side in sides)},
        problems=(*managed.problems, *(problem for side in sides for problem in side.source.problems)),
        client_version=client_version,
        version_note=note,
        rules=rules,
        refusal=managed.refusal or managed.unjudged,
    )


def organisation_policy(look: ManagedLook, *, user: User | None = None, client_version: str | None = None) -> Policy:
    """Return the organisation's policy alone, without what users and projects add."""
    documents = [document for document in look.documents if document.user in (None, user.name if user else None)]
    return effective(documents, user=user, dropins=look.dropin_folder, client_version=client_version)


def _allow(managed: Managed, others: Sequence[tuple[Rule, ...] | None]) -> tuple[Rule, ...] | None:
    if not managed.rules.lists:
        return None
    lists = [managed.allow, *([] if managed.lock is not None else others)]
    if all(rules is None for rules in lists):
        return None
    return tuple(rule for rules in lists for rule in rules or ())


def _merged(maps: Iterable[Mapping[str, T]]) -> dict[str, T]:
    merged: dict[str, T] = {}
    for item in maps:
        merged.update(item)
    return merged

"""Does the policy that was deployed take effect? A source that takes its place, or that users write, is told for each user."""

from collections.abc import Iterator, Sequence

from agent.core.assess.results import at, deviation
from agent.core.deviation import Deviation
from agent.core.memo import Memo
from agent.core.observation import ConfigLook, Document, DocumentKind, ManagedLook, Scope
from agent.core.policy.effective import Policy, effective
from agent.core.policy.provided import CLAUDE_CODE
from agent.core.policy.sources import SHADOWED, USERS_OWN, Source

_OWN = frozenset({DocumentKind.REMOTE_CACHE, DocumentKind.USER_REGISTRY})
_REMEDY = {
    SHADOWED: "Deploy the policy through the source that wins, or remove that source.",
    USERS_OWN: "Deploy the policy where only administrators write: managed files, a profile, or HKLM.",
}


def effect_deviations(
    organisation: Policy,
    managed: ManagedLook,
    looks: Sequence[ConfigLook],
    client_version: str | None,
    memo: Memo | None = None,
) -> Iterator[Deviation]:
    """Yield what takes the place of the deployed policy, for everyone or for one user."""
    memo = memo or Memo()
    yield from _told(organisation, None)
    for look in (look for look in looks if not look.apart):
        yield from memo.of(_for_user, managed, look, client_version)


def own_sources(
    managed: ManagedLook, looks: Sequence[ConfigLook], client_version: str | None, memo: Memo | None = None
) -> tuple[Source, ...]:
    """Return the sources that hold a managed policy for one user alone: the cache, HKCU, a profile of that user."""
    memo = memo or Memo()
    return tuple(
        source for look in looks if not look.apart for source in memo.of(_sources_of, managed, look, client_version)
    )


def _for_user(managed: ManagedLook, look: ConfigLook, client_version: str | None) -> tuple[Deviation, ...]:
    policy = _policy_of(managed, look, client_version)
    return tuple(_told(policy, look.user.name)) if policy is not None else ()


def _sources_of(managed: ManagedLook, look: ConfigLook, client_version: str | None) -> tuple[Source, ...]:
    policy = _policy_of(managed, look, client_version)
    paths = {document.path for document in _documents_of(managed, look)}
    return tuple(source for source in policy.sources if source.path in paths) if policy is not None else ()


def _policy_of(managed: ManagedLook, look: ConfigLook, client_version: str | None) -> Policy | None:
    """Return the managed policy of one user, None where it is everybody's."""
    own = _documents_of(managed, look)
    if not own:
        return None
    return effective(
        [*(item for item in managed.documents if item.user is None), *own],
        user=look.user,
        dropins=managed.dropin_folder,
        client_version=look.client_versions.get(CLAUDE_CODE) or client_version,
    )


def _documents_of(managed: ManagedLook, look: ConfigLook) -> list[Document]:
    own = [item for item in managed.documents if item.user == look.user.name]
    return own + [item for item in look.documents if item.kind in _OWN]


def _told(policy: Policy, user: str | None) -> Iterator[Deviation]:
    depends = (Scope("managed"), *([Scope("config", user)] if user is not None else []))
    for problem in policy.problems:
        if problem.code in _REMEDY:
            yield deviation(
                "policy.not-effective",
                subject=f"{problem.code} {problem.place}" + (f" for {user}" if user else ""),
                label=str(problem.place),
                text=(f"For {user}: " if user else "") + problem.text,
                evidence=[at("file", problem.place)],
                user=user,
                depends=depends,
                remediation=_REMEDY[problem.code],
            )

"""How the policy itself stands: is there one, does it bind, and what in it does less than it seems to."""

from collections.abc import Iterator

from agent.core.assess.results import deviation
from agent.core.deviation import Deviation, Evidence
from agent.core.documents import PolicyRow, RuleRow, SourceRow
from agent.core.observation import Scope
from agent.core.policy.effective import Policy
from agent.core.policy.rules import CommandRule, NameRule, UrlRule
from agent.core.redaction import redact_text
from agent.core.server import Problem

SCOPE = Scope("managed")
_INVALID = frozenset({"invalid-entry", "invalid-list", "invalid-server", "invalid-servers", "invalid-value"})


def policy_row(policy: Policy) -> PolicyRow:
    """Return the policy's part of the `check` document."""
    return PolicyRow(
        state=policy.state,
        sources=tuple(
            SourceRow(
                source.kind, source.path, source.state, source.selected, tuple(_shown(p) for p in source.problems)
            )
            for source in policy.sources
        ),
        exclusive=policy.exclusive is not None,
        locked=policy.locked,
        allow=None
        if policy.allow is None
        else tuple(RuleRow(redact_text(rule.text), str(rule.entry.place)) for rule in policy.allow),
        deny=tuple(RuleRow(redact_text(rule.text), str(rule.entry.place)) for rule in policy.deny),
        client_version=policy.client_version,
        problems=(
            *(_shown(problem) for problem in policy.problems),
            *([policy.version_note] if policy.version_note else []),
            *([redact_text(policy.refusal)] if policy.refusal else []),
        ),
        digest=policy.digest,
    )


def policy_deviations(policy: Policy, installed: frozenset[str], *, required: bool) -> Iterator[Deviation]:
    """Yield what is wrong with the policy as a whole; `installed` are the clients that were found on the device."""
    if policy.state == "none":
        if installed and required:
            yield deviation(
                "policy.missing",
                subject="policy",
                label="managed policy",
                text=f"{', '.join(sorted(installed))} is used here and no managed policy exists: every server may run.",
                depends=(SCOPE, Scope("config")),
            )
        return
    if policy.state == "refused":
        yield _of_policy("policy.client-refuses", f"Claude Code does not start: {policy.refusal}")
        return
    if policy.state == "indeterminate":
        return
    if policy.locked and policy.allow is None:
        yield _of_policy(
            "policy.lock-without-list",
            f"{policy.lock} locks the allowlist and no managed file gives one: every server passes.",
        )
    if policy.allow is not None and not policy.locked and policy.exclusive is None:
        text = (
            "allowedMcpServers is set without allowManagedMcpServersOnly: users widen the list in their own settings."
        )
        yield _of_policy("policy.soft-allowlist", text)
    yield from _deciding_names(policy)
    for problem in policy.problems:
        if problem.code in _INVALID:
            yield _of_policy("policy.invalid-entry", problem.text, place=str(problem.place))


def _deciding_names(policy: Policy) -> Iterator[Deviation]:
    """Yield the allow entries by name that admit servers of some kind: a name counts where no entry of that kind stands."""
    allow = policy.allow or ()
    kinds = []
    if not any(isinstance(rule, CommandRule) for rule in allow):
        kinds.append("local")
    if not any(isinstance(rule, UrlRule) for rule in allow):
        kinds.append("remote")
    if not kinds or policy.exclusive is not None:
        return
    for rule in allow:
        if isinstance(rule, NameRule):
            text = f"{rule.text} admits any {' or '.join(kinds)} server that its user calls {rule.name!r}."
            yield _of_policy("policy.name-only", text, place=str(rule.entry.place))


def _of_policy(control: str, text: str, place: str | None = None) -> Deviation:
    return deviation(
        control,
        subject=place or "policy",
        label=place or "managed policy",
        text=text,
        evidence=[Evidence("file", place)] if place else [],
        depends=(SCOPE,),
    )


def _shown(problem: Problem) -> str:
    return redact_text(str(problem))

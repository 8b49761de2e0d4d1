"""How the policy itself stands: is there one, does it bind, and what in it does less than it seems to."""

from collections.abc import Iterator, Sequence

from agent.core.assess.results import at, deviation
from agent.core.deviation import Deviation
from agent.core.documents import PolicyRow, RuleRow, SourceRow
from agent.core.observation import Document, Scope
from agent.core.place import Place
from agent.core.policy.effective import Policy
from agent.core.policy.lint import lint
from agent.core.policy.sources import Source
from agent.core.redaction import redact_name, redact_text
from agent.core.server import Problem

SCOPE = Scope("managed")
_TOLD_OF_THE_FILE = frozenset({"unreadable-for-users"})
"""Findings that the row of the managed file tells already, with the users whom it concerns."""


def policy_row(policy: Policy, own: Sequence[Source] = ()) -> PolicyRow:
    """Return the policy's part of the `check` document; `own` are the sources that hold a policy for one user alone."""
    return PolicyRow(
        state=policy.state,
        sources=tuple(
            SourceRow(
                source.kind,
                redact_name(source.path),
                source.state,
                source.selected,
                tuple(_shown(p) for p in source.problems),
            )
            for source in (*policy.sources, *own)
        ),
        exclusive=policy.exclusive is not None,
        locked=policy.locked,
        allow=None
        if policy.allow is None
        else tuple(RuleRow(redact_text(rule.text), redact_name(str(rule.entry.place))) for rule in policy.allow),
        deny=tuple(RuleRow(redact_text(rule.text), redact_name(str(rule.entry.place))) for rule in policy.deny),
        client_version=policy.client_version,
        problems=(
            *(_shown(problem) for problem in policy.problems),
            *([policy.version_note] if policy.version_note else []),
            *([redact_text(policy.refusal)] if policy.refusal else []),
        ),
        digest=policy.digest,
    )


def policy_deviations(
    policy: Policy, documents: Sequence[Document], installed: frozenset[str], *, required: bool
) -> Iterator[Deviation]:
    """Yield what is wrong with the policy as a whole; `installed` are the clients that were found on the device."""
    if policy.state == "none" and installed and required:
        are = "is" if len(installed) == 1 else "are"
        yield deviation(
            "policy.missing",
            subject="policy",
            label="managed policy",
            text=f"{', '.join(sorted(installed))} {are} used here and no managed policy exists: every server may run.",
            depends=(SCOPE, Scope("config")),
        )
    for finding in lint(documents, client_version=policy.client_version, whole=False):
        if finding.code in _TOLD_OF_THE_FILE:
            continue
        place = str(Place(finding.path, finding.pointer))
        told = finding.corrected is None or finding.corrected in finding.remedy
        corrected = "" if told else f" Write: {finding.corrected}"
        yield deviation(
            finding.control,
            subject=f"{finding.code} {place}",
            label=place,
            text=finding.text,
            remediation=finding.remedy + corrected,
            evidence=[at("file", Place(finding.path, finding.pointer, finding.line))],
            depends=(SCOPE,),
        )


def _shown(problem: Problem) -> str:
    return redact_text(str(problem))

"""How the device stands, in one word and one sentence."""

from collections.abc import Sequence

from agent.core.control import within
from agent.core.deviation import Deviation
from agent.core.documents import CoverageRow, DeviceState, PolicyRow, ServerRow, SummaryRow
from agent.core.observation import CoverageState
from agent.core.verdict import Answer

_LEFT_OUT = frozenset({CoverageState.COMPLETE, CoverageState.ABSENT, CoverageState.SKIPPED})


def summarise(
    policy: PolicyRow,
    servers: Sequence[ServerRow],
    deviations: Sequence[Deviation],
    coverage: Sequence[CoverageRow],
    running: int,
) -> SummaryRow:
    """Return the summary. Worse news wins: deviating, then unknown, then compliant."""
    counting = sorted(
        (item for item in deviations if item.severity.counts), key=lambda item: (item.severity.rank, item.key)
    )
    unread = [row for row in coverage if row.state not in _LEFT_OUT]
    open_questions = [row for row in servers if row.verdict is Answer.UNDETERMINED and row.reason.code != "no-policy"]
    counts = {
        "servers": len(servers),
        "running": running,
        "deviations": len(deviations),
        "scopes": len(coverage),
        "scopes_not_readable": len(unread),
    }
    state, why = _judged(policy, counting, unread, open_questions)
    return SummaryRow(state, counts, why)


def _judged(
    policy: PolicyRow,
    counting: Sequence[Deviation],
    unread: Sequence[CoverageRow],
    open_questions: Sequence[ServerRow],
) -> tuple[DeviceState, str]:
    if counting:
        worst = counting[0]
        number = "one open deviation" if len(counting) == 1 else f"{len(counting)} open deviations, the worst"
        what = f"{number} is {worst.severity.value}, {within(worst.title)} ({worst.label})"
        return "deviating", f"This device deviates: {what}."
    if unread:
        more = f", and {len(unread) - 1} more" if len(unread) > 1 else ""
        return (
            "unknown",
            f"It is not known how this device stands: {unread[0].scope} could not be looked at{more} ({unread[0].problem}).",
        )
    if policy.state == "indeterminate":
        return "unknown", "It is not known how this device stands: which policy is in force could not be found out."
    if open_questions:
        first = open_questions[0]
        return (
            "unknown",
            f"It is not known how this device stands: the verdict on {first.name!r} is open. {first.reason.text}",
        )
    if policy.state == "none":
        return (
            "compliant",
            "Nothing deviates: no managed policy exists here, and nothing that it would have to bind was found.",
        )
    return (
        "compliant",
        "This device complies: the policy is in force, and every server that was found is allowed or will be refused.",
    )

"""The agent's own bad health as a deviation: the SOC must see that an agent lost something, or runs without a part of itself."""

from collections.abc import Iterator, Sequence

from agent.core.assess.results import deviation
from agent.core.control import within
from agent.core.deviation import Deviation, Evidence
from agent.core.documents import ConditionRow


def degraded_deviations(conditions: Sequence[ConditionRow]) -> Iterator[Deviation]:
    """Yield a deviation for each health condition of severity medium and above. It is gone as soon as the condition is."""
    for row in conditions:
        if row.severity.counts:
            yield deviation(
                "agent.degraded",
                subject=row.code,
                label=f"agent: {within(row.text.split(':')[0].rstrip('.'))}",
                text=row.text,
                evidence=[Evidence("condition", row.code)],
            )

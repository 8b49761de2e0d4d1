"""What the engine says of every recorded run is what the real Claude Code 2.1.330 did."""

from collections import Counter

import pytest

from agent.core.policy.session import Outcome, judge
from agent.core.verdict import Answer
from tests.differential.recorded import Case, asked, cases, recording

ALL = list(cases())
EVERY = [*ALL, *asked()]


@pytest.mark.parametrize("case", EVERY, ids=[case["id"] for case in EVERY])
def test_every_verdict_is_the_clients(case: Case) -> None:
    outcome = judge(recording(case).session)
    said = {name: _said(outcome, name, verdict) for name, verdict in case["verdicts"].items()}
    assert said == case["verdicts"], case["note"]


def test_the_corpus_is_whole() -> None:
    counts = Counter(verdict for case in ALL for verdict in case["verdicts"].values())
    assert len(ALL) == 689
    assert sum(counts.values()) == 18_728


def _said(outcome: Outcome, name: str, wanted: str) -> str:
    """Put the outcome for `name` in the recording's words.

    `blocked` and `absent` both mean that the session does not have the server; which of them depends on a second run without
    the policy, so what is compared is that nothing of this name loads.
    """
    if outcome.refuses is not None:
        return "error"
    rows = [row for row in outcome.judged if row.server.name == name]
    if any(row.loads is None for row in rows):
        return "unknown"
    if any(row.loads for row in rows):
        return "allowed"
    if any(row.loads_code == "disabled" for row in rows):
        return "disabled"
    if wanted == "absent" and not any(row.verdict.answer is Answer.BLOCKED for row in rows):
        return "absent"
    return "blocked" if wanted == "blocked" else "absent"

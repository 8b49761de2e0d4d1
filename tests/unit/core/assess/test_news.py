"""What is found out of a running server after it was told, or of the next process of the same one, is no news of it."""

from dataclasses import replace

import pytest

from agent.core.assess.causes import Circumstances
from agent.core.assess.running import judge_running, running_deviations
from agent.core.deviation import SIGNS, Deviation, Evidence, Key, Severity
from agent.core.ledger import says_more
from agent.core.observation import Process
from agent.core.policy.effective import Policy
from agent.core.recognition import recognise
from agent.core.recognition.explain import TEXTS
from agent.core.superseded import Superseded
from agent.core.verdict import Answer, Reason, Verdict
from tests.golden.trees import CASES, CLIENTS, Case, processes, servers

BLOCKED = Verdict(Answer.BLOCKED, Reason("unlisted", "No entry allows it."))


def told(case: Case, tree: tuple[Process, ...], declares: str | None = None) -> dict[Key, Deviation]:
    gone = {process.identity: Superseded("/x", at=2000.0) for process in tree}
    known = Circumstances(lambda client: client == "claude-code", Policy(), superseded=gone)
    declared = {process.identity: declares for process in tree} if declares is not None else {}
    found = recognise(tree, servers(case), CLIENTS, declares=declared)
    verdicts = {server.key: BLOCKED for server in servers(case)}
    judged = judge_running(found, verdicts, known.enforcing, lambda _: BLOCKED)
    return {item.key: item for item in running_deviations(judged, known=known)}


def again(tree: tuple[Process, ...]) -> tuple[Process, ...]:
    """Return the same programs as other processes, later."""
    moved = {process.pid: process.pid + 10_000 for process in tree}
    return tuple(
        replace(p, pid=moved[p.pid], ppid=moved.get(p.ppid or 0, p.ppid), create_time=p.create_time + 500) for p in tree
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_server_says_the_same_as_its_tree_grows_is_inspected_and_is_started_anew(case: Case) -> None:
    tree = processes(case)
    before: dict[Key, Deviation] = {}
    looks = [told(case, tree[:count]) for count in range(1, len(tree) + 1)]
    looks += [told(case, tree, "a dependency on mcp"), told(case, again(tree), "a dependency on mcp")]
    looks += [told(case, tuple(replace(process, marks=None) for process in tree))]
    for now in looks:
        assert [key for key in now.keys() & before.keys() if says_more(now[key], before[key])] == []
        before = now


def test_every_sign_of_recognition_may_come_and_go() -> None:
    assert {sign.value for sign in TEXTS} <= SIGNS


def test_how_closely_it_corresponds_to_its_entry_is_no_news() -> None:
    key = Key("server.unapproved.running", "ann/x")
    texts = "the command line is the configured one, word for word", "the same pypi package with the same arguments"
    first, then = (
        Deviation(
            key=key,
            severity=Severity.HIGH,
            label="x",
            title="x",
            text="x",
            remediation="x",
            evidence=(Evidence("configured", text),),
        )
        for text in texts
    )
    assert not says_more(then, first)
    assert says_more(replace(then, evidence=(Evidence("entry", "/etc/other.json at /x"),)), first)

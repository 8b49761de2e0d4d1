from agent.cli.text import check_lines
from agent.core.documents import ProcessRow, ReasonRow, plain
from agent.core.verdict import Answer
from tests.sim.statuses import status


def test_what_is_noted_of_a_running_server_has_a_line_of_its_own() -> None:
    notes = ("It runs on: cursor (pid 10), which started it, ended by 1970-01-01 00:01:50Z.",)
    row = ProcessRow(11, 1.0, "ann", "cursor", ("x",), None, Answer.ALLOWED, ReasonRow("a", "b"), "high", notes=notes)
    document = plain(status("compliant").check)
    assert not [line for line in check_lines(document) if line.startswith("note")]
    document["processes"] = [plain(row)]
    assert [line for line in check_lines(document) if line.startswith("note")] == [f"note      cursor 11: {notes[0]}"]


def test_counts_read_as_words_do() -> None:
    document = plain(status("compliant").check)
    counts = {"servers": 1, "running": 0, "deviations": 1, "scopes": 85, "scopes_not_readable": 1}
    lines = list(check_lines({**document, "summary": {**document["summary"], "counts": counts}}))
    assert lines[1] == "looked at: 85 places (1 of them could not be read), 1 server, 0 running, 1 deviation"

"""What happened on this device, from the journal, while the agent may be writing it."""

import csv
import json
from pathlib import Path

import pytest

from agent.cli.history import parse_since
from agent.cli.main import main
from agent.cli.places import UsageError
from agent.core.deviation import Findings
from agent.store.journal import JOURNAL, Journal
from tests.sim.deviations import KINDS, deviation, encode, findings


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MCP_COMPLIANCE_STATE_FOLDER", str(tmp_path))
    return tmp_path


@pytest.fixture
def journal(state: Path) -> Journal:
    it = Journal(state / JOURNAL, lambda: 0.0, device="device-1")
    forged = deviation("=cmd()\n")
    it.commit(Findings(present={forged.key: forged}, looked=KINDS), 1_000.0, encode)
    it.commit(findings(), 4_600.0, encode)
    it.commit(findings(["later"]), 90_000.0, encode)
    return it


def test_history_tells_when_each_deviation_opened_and_closed(
    journal: Journal, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["history", "--since", "1970-01-01"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split("  high")[0].rstrip() for line in said] == [
        "1970-01-01 00:16:40Z  opened",
        "1970-01-01 01:16:40Z  closed after 60 minutes",
        "1970-01-02 01:00:00Z  opened",
    ]
    assert len(said) == 3
    journal.close()


def test_status_since_tells_the_same(journal: Journal, capsys: pytest.CaptureFixture[str]) -> None:
    journal.close()
    assert main(["status", "--since", "1970-01-01T12:00"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_export_writes_json_lines_and_csv_that_no_spreadsheet_runs(
    journal: Journal, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal.close()
    assert main(["export", "--since", "1970-01-01"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["first_seen"], row["closed_at"]) for row in rows] == [(1_000.0, 4_600.0), (90_000.0, None)]
    target = state / "out.csv"
    assert main(["export", "--since", "1970-01-01", "--format", "csv", "--output", str(target)]) == 0
    with target.open(newline="", encoding="utf-8") as stream:
        assert next(csv.DictReader(stream))["label"].startswith("'=cmd()")


def test_without_a_journal_or_with_another_file_there_is_a_sentence(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["history"]) == 2
    (state / JOURNAL).write_bytes(b"nonsense" * 1_000)
    assert main(["history"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert all("cannot be read" in line for line in said)


def test_a_moment_is_a_span_or_a_date() -> None:
    assert parse_since("90m", 10_000.0) == 4_600.0
    assert parse_since("2026-11-30", 0.0) == 1_795_996_800.0
    with pytest.raises(UsageError, match="a span like"):
        parse_since("yesterday", 0.0)


def test_why_is_said_where_a_deviation_opens_and_not_once_more_where_it_closes(
    journal: Journal, capsys: pytest.CaptureFixture[str]
) -> None:
    journal.close()
    main(["history", "--since", "1970-01-01"])
    opened, closed, _ = capsys.readouterr().out.splitlines()
    text = deviation("later").text
    assert text in opened
    assert text not in closed

import json
from pathlib import Path

from agent.core.documents import plain
from agent.core.tables import AGENT, SERVERS
from agent.status.document import FILE_NAME
from osquery_tables.rows import Status
from tests.sim.clock import ManualClock
from tests.sim.statuses import status


def test_a_stale_word_keeps_the_device_recognisable_and_says_nothing_else(tmp_path: Path) -> None:
    clock = ManualClock(1000.0)
    (tmp_path / FILE_NAME).write_text(json.dumps(plain(status("compliant", written_at=990.0))))
    reading = Status(tmp_path, clock.now, clock.monotonic)
    assert len(reading.rows(SERVERS, {})) == 2
    clock.pass_s(301)
    assert reading.rows(SERVERS, {}) == []
    (row,) = reading.rows(AGENT, {})
    assert (row["hostname"], row["state"], row["device_state"]) == ("laptop-7", "silent", "unknown")


def test_a_join_reads_the_document_once_and_a_later_query_reads_it_anew(tmp_path: Path) -> None:
    clock = ManualClock(1000.0)
    path = tmp_path / FILE_NAME
    path.write_text(json.dumps(plain(status("compliant", written_at=999.0))))
    reading = Status(tmp_path, clock.now, clock.monotonic)
    assert reading.rows(AGENT, {})[0]["device_state"] == "compliant"
    path.write_text(json.dumps(plain(status("deviating", written_at=1000.0))))
    assert reading.rows(AGENT, {})[0]["device_state"] == "compliant"
    clock.pass_s(1)
    assert reading.rows(AGENT, {})[0]["device_state"] == "deviating"

import os
from pathlib import Path

import pytest

from agent.core.deviation import Evidence
from agent.core.recognition import Confidence
from agent.core.recognition.recalling import Seen, Trace
from agent.store.running import NAME, load, save

WHOLE = Trace(
    members=(Seen(11, 2.5, 7), Seen(12, 3.0, 0)),
    host=Seen(10, 1.0, 3, "cursor"),
    client="cursor",
    key="cursor:ann:x",
    confidence=Confidence.HIGH,
    evidence=(Evidence("wire", "two descriptors"),),
    outlives="cursor (pid 10), which started it, ended by 2026-11-25 09:00:00Z",
)
BARE = Trace((Seen(11, 2.5, 7),), None, None, None, Confidence.MEDIUM)


def test_what_is_saved_is_loaded_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    save(tmp_path, (WHOLE, BARE))
    assert load(tmp_path) == (WHOLE, BARE)
    assert os.name == "nt" or (tmp_path / NAME).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"schema": "mcp-compliance/running-servers/1", "servers": [{}]}',
        '{"schema": "mcp-compliance/running-servers/2", "servers": []}',
        "[" * 100_000,
    ],
)
def test_a_file_that_something_else_wrote_is_as_none(tmp_path: Path, text: str) -> None:
    assert load(tmp_path) == ()
    (tmp_path / NAME).write_text(text)
    assert load(tmp_path) == ()

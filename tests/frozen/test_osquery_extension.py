"""The frozen osquery extension is whole: it registers, answers, and ends with osqueryd."""

import json
import sys
import time
from pathlib import Path

import pytest

from agent.core.documents import plain
from agent.core.tables import TABLES
from agent.status.document import FILE_NAME
from tests.sim.osqueryd import extension
from tests.sim.statuses import deviation, status

pytestmark = pytest.mark.frozen

DIST = Path(__file__).resolve().parents[2] / "dist" / "mcp-compliance-osquery"
PROGRAM = DIST / ("mcp-compliance-osquery.ext.exe" if sys.platform == "win32" else "mcp-compliance-osquery.ext")


def test_it_answers_for_every_table_and_ends_when_told_to(tmp_path: Path) -> None:
    document = status("deviating", deviation("policy.missing"), written_at=time.time())
    (tmp_path / FILE_NAME).write_text(json.dumps(plain(document)))
    with extension([PROGRAM], tmp_path) as (osqueryd, process):
        assert sorted(osqueryd.registry["table"]) == sorted(table.name for table in TABLES)
        assert [row["control"] for row in osqueryd.query("mcp_deviations")] == ["policy.missing"]
        assert [row["username"] for row in osqueryd.query("mcp_servers", username="bob")] == ["bob"]
        osqueryd.shutdown_extension()
        assert process.wait(20) == 0

from dataclasses import replace

from agent.core.assess import Assessment
from agent.core.assess.report import check_document
from agent.core.deviation import Deviation, Findings, Key, Severity
from agent.core.documents import DeviceRow
from agent.core.ledger import Record

DEVICE = DeviceRow("id", "host", "linux", "12", "0.1.0", "/")
BAD = Deviation(
    key=Key("server.unapproved.configured", "s"),
    severity=Severity.MEDIUM,
    label="ann: cursor 'bad'",
    title="t",
    text="x",
    remediation="r",
)


def test_a_deviation_that_is_open_and_out_of_sight_stays_in_the_document_and_counts() -> None:
    document = check_document(DEVICE, Assessment(complete=True, findings=Findings()), [Record(BAD, 5.0, 6.0)])
    (row,) = document.deviations
    assert (row.subject, row.since) == ("ann: cursor 'bad'", 5.0)
    assert document.summary.state == "deviating"


def test_a_deviation_that_is_seen_is_told_as_it_is_now_with_the_time_of_its_opening() -> None:
    now = replace(BAD, severity=Severity.HIGH)
    assessment = Assessment(complete=True, findings=Findings(present={now.key: now}))
    (row,) = check_document(DEVICE, assessment, [Record(BAD, 5.0, 6.0)]).deviations
    assert (row.severity, row.since) == ("high", 5.0)

"""An assessment as the published `check` document."""

from collections.abc import Sequence

from agent.core.assess.assess import Assessment
from agent.core.assess.summary import summarise
from agent.core.control import CONTROLS
from agent.core.deviation import Deviation
from agent.core.documents import CheckDocument, DeviationRow, DeviceRow, EvidenceRow, IdsRow, PolicyRow
from agent.core.event import finding_uid
from agent.core.ledger import Record

_NO_POLICY = PolicyRow("none", (), exclusive=False, locked=False, allow=None, deny=(), client_version=None)


def check_document(device: DeviceRow, assessment: Assessment, opened: Sequence[Record] = ()) -> CheckDocument:
    """Return the document; `opened` are the deviations that the daemon's ledger holds open.

    One that is open and was not seen now, because its place could not be looked at, stays in it: it is not known to be gone.
    """
    since = {record.deviation.key: record.first_seen for record in opened}
    unseen = [record.deviation for record in opened if record.deviation.key not in assessment.findings.present]
    every = (*assessment.deviations, *unseen)
    policy = assessment.policy or _NO_POLICY
    summary = assessment.summary
    if unseen:
        summary = summarise(policy, assessment.servers, every, assessment.coverage, len(assessment.processes))
    return CheckDocument(
        device=device,
        policy=policy,
        servers=assessment.servers,
        processes=assessment.processes,
        managed_files=assessment.managed_files,
        deviations=tuple(
            _row(device, item, since.get(item.key))
            for item in sorted(every, key=lambda item: (item.severity.rank, item.key))
        ),
        coverage=assessment.coverage,
        summary=summary,
    )


def _row(device: DeviceRow, item: Deviation, since: float | None) -> DeviationRow:
    control = CONTROLS[item.key.control]
    return DeviationRow(
        control=control.id,
        severity=item.severity,
        subject=item.label,
        title=item.title,
        text=item.text,
        remediation=item.remediation,
        evidence=tuple(EvidenceRow(fact.kind, fact.text) for fact in item.evidence),
        ids=IdsRow(control.atlas, control.owasp, control.attack),
        uid=finding_uid(device.id, item.key),
        user=item.user,
        since=since,
        client=item.client,
    )

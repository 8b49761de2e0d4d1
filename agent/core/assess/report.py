"""An assessment as the published `check` document."""

from collections.abc import Mapping

from agent.core.assess.assess import Assessment
from agent.core.control import CONTROLS
from agent.core.deviation import Deviation, Key
from agent.core.documents import CheckDocument, DeviationRow, DeviceRow, EvidenceRow, IdsRow, PolicyRow
from agent.core.event import finding_uid

_NO_POLICY = PolicyRow("none", (), exclusive=False, locked=False, allow=None, deny=(), client_version=None)


def check_document(device: DeviceRow, assessment: Assessment, since: Mapping[Key, float]) -> CheckDocument:
    """Return the document; `since` gives the Unix time at which the daemon opened a deviation."""
    ordered = sorted(assessment.deviations, key=lambda item: (item.severity.rank, item.key))
    return CheckDocument(
        device=device,
        policy=assessment.policy or _NO_POLICY,
        servers=assessment.servers,
        processes=assessment.processes,
        managed_files=assessment.managed_files,
        deviations=tuple(_row(device, item, since.get(item.key)) for item in ordered),
        coverage=assessment.coverage,
        summary=assessment.summary,
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
    )

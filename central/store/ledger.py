"""The deviations table: what agents tell, and what is seen from here, carried forward by the agent's own ledger."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select, update

from agent.core.deviation import Deviation, Evidence, Findings, Key, Severity
from agent.core.event import finding_uid
from agent.core.ledger import Change, Record, advance
from central.core.device import FindingRow, cause_of
from central.store.engine import upsert
from central.store.schema import deviations

RANK = {severity.value: severity.rank for severity in Severity}
_TOLD = (
    "severity",
    "rank",
    "label",
    "title",
    "text",
    "remediation",
    "user",
    "client",
    "evidence",
    "cause",
    "told_at",
    "last_seen",
    "received_at",
    "closed_at",
)
_CHUNK = 500


def store_told(connection: Connection, device: str, rows: Iterable[FindingRow], at: float) -> None:
    """Write what the agent of `device` told; an older word about the same opening changes nothing."""
    newest: dict[tuple[str, float], dict[str, Any]] = {}
    for row in rows:
        newest[row.uid, row.opened_at] = {
            "device": device,
            "source": "agent",
            "rank": RANK[row.severity],
            "received_at": at,
            **{name: getattr(row, name) for name in row.__dataclass_fields__},
            "evidence": [dict(item) for item in row.evidence],
        }
    upsert(connection, deviations, list(newest.values()), _TOLD, newer="told_at")


def mark_alerts(connection: Connection, told: Iterable[tuple[str, str]]) -> None:
    """Note that the agent of a device alerts about the deviation (device, uid)."""
    for device, uid in sorted(set(told)):
        where = (deviations.c.device == device, deviations.c.uid == uid, deviations.c.alert.is_(False))
        connection.execute(update(deviations).where(*where).values(alert=True))


def observed(connection: Connection, ids: Sequence[str]) -> dict[str, dict[Key, Record]]:
    """Return the open deviations of each device that were seen from here."""
    found: dict[str, dict[Key, Record]] = defaultdict(dict)
    for start in range(0, len(ids), _CHUNK):
        where = (
            deviations.c.device.in_(ids[start : start + _CHUNK]),
            deviations.c.source == "central",
            deviations.c.closed_at.is_(None),
        )
        for row in connection.execute(select(deviations).where(*where).order_by(deviations.c.opened_at)).mappings():
            record = _record(dict(row))
            found[row["device"]][record.deviation.key] = record
    return found


def carry(
    connection: Connection, device: str, opened: Mapping[Key, Record], findings: Findings, at: float
) -> list[Change]:
    """Carry what is seen of `device` forward to `findings`; store what changed, and return it."""
    before = _before(connection, device, [key for key in findings.present if key not in opened])
    changes = [change for _, change in advance(opened, before, findings, at) if change is not None]
    rows = [_row(device, change.record, at) for change in changes]
    upsert(connection, deviations, rows, _TOLD)
    return changes


def _before(connection: Connection, device: str, keys: Sequence[Key]) -> frozenset[Key]:
    if not keys:
        return frozenset()
    uids = {finding_uid(device, key): key for key in keys}
    where = (deviations.c.device == device, deviations.c.uid.in_(uids))
    return frozenset(uids[uid] for uid in connection.execute(select(deviations.c.uid).where(*where)).scalars())


def _record(row: Mapping[str, Any]) -> Record:
    deviation = Deviation(
        key=Key(row["control"], row["subject"]),
        severity=Severity(row["severity"]),
        label=row["label"],
        title=row["title"],
        text=row["text"],
        remediation=row["remediation"],
        evidence=tuple(Evidence(item["name"], item["data"]["text"]) for item in row["evidence"]),
        user=row["user"],
        client=row["client"],
    )
    return Record(deviation, row["opened_at"], row["last_seen"], row["closed_at"])


def _row(device: str, record: Record, at: float) -> dict[str, Any]:
    deviation = record.deviation
    evidence = [{"name": item.kind, "data": {"text": item.text}} for item in deviation.evidence]
    return {
        "device": device,
        "uid": finding_uid(device, deviation.key),
        "opened_at": record.first_seen,
        "source": "central",
        "control": deviation.key.control,
        "severity": deviation.severity.value,
        "rank": deviation.severity.rank,
        "subject": deviation.key.subject,
        "label": deviation.label,
        "title": deviation.title,
        "text": deviation.text,
        "remediation": deviation.remediation,
        "user": deviation.user,
        "client": deviation.client,
        "evidence": evidence,
        "cause": cause_of(
            deviation.key.control,
            deviation.key.control,
            evidence if deviation.key.control.startswith("server.") else (),
        ),
        "alert": True,
        "told_at": at,
        "last_seen": record.last_seen,
        "received_at": at,
        "closed_at": record.closed_at,
    }

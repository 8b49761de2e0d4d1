"""The deviations table: what agents tell, and what is seen from here, carried forward by the agent's own ledger."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from agent.core.deviation import Deviation, Evidence, Findings, Key, Severity
from agent.core.event import finding_uid
from agent.core.ledger import Change, ChangeKind, Record, advance
from central.core.device import FindingRow, Whole, cause_of
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


def store_told(connection: Connection, told: Iterable[tuple[str, FindingRow]], at: float) -> None:
    """Write what agents told (device, row); an older word about the same opening changes nothing."""
    newest: dict[tuple[str, str, float], dict[str, Any]] = {}
    for device, row in told:
        newest[device, row.uid, row.opened_at] = {
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
    rows = [{"key_device": device, "key_uid": uid} for device, uid in sorted(set(told))]
    if rows:
        where = (deviations.c.device == bindparam("key_device"), deviations.c.uid == bindparam("key_uid"))
        connection.execute(update(deviations).where(*where, deviations.c.alert.is_(False)).values(alert=True), rows)


def close_rest(
    connection: Connection, device: str, whole: Whole, kept: Collection[tuple[str, float]], at: float
) -> list[Change]:
    """Close what the agent of `device` told open once, and that is neither in `whole` nor among `kept` (uid, opened_at).

    Returns the closings of alerts.
    """
    table = deviations.c
    query = select(deviations).where(table.device == device, table.source == "agent", table.closed_at.is_(None))
    rest = [
        dict(row)
        for row in connection.execute(query.order_by(table.opened_at)).mappings()
        if (row["uid"], row["opened_at"]) not in whole.open and (row["uid"], row["opened_at"]) not in kept
    ]
    if rest:
        where = [table[name] == bindparam(f"key_{name}") for name in ("device", "uid", "opened_at")]
        closed = {"closed_at": bindparam("key_closed_at"), "told_at": whole.at, "received_at": at}
        names = ("device", "uid", "opened_at")
        rows = [
            {f"key_{name}": row[name] for name in names} | {"key_closed_at": max(whole.at, row["opened_at"])}
            for row in rest
        ]
        connection.execute(update(deviations).where(*where).values(closed), rows)
    records = [_record(row | {"closed_at": max(whole.at, row["opened_at"])}) for row in rest if row["alert"]]
    return [Change(ChangeKind.CLOSED, record, whole.at, before=record.deviation) for record in records]


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
    connection: Connection, found: Mapping[str, Findings], opened: Mapping[str, Mapping[Key, Record]], at: float
) -> list[tuple[str, Change]]:
    """Carry what is seen of each device forward to what was found of it; store what changed, and return it by device."""
    before = _before(
        connection,
        [
            (device, key)
            for device, findings in found.items()
            for key in findings.present
            if key not in opened.get(device, {})
        ],
    )
    changes = [
        (device, change)
        for device, findings in found.items()
        for _, change in advance(opened.get(device, {}), before.get(device, frozenset()), findings, at)
        if change is not None
    ]
    upsert(connection, deviations, [_row(device, change.record, at) for device, change in changes], _TOLD)
    return changes


def _before(connection: Connection, wanted: Sequence[tuple[str, Key]]) -> dict[str, frozenset[Key]]:
    """Return which of these keys were open once, by device."""
    uids = {(device, finding_uid(device, key)): key for device, key in wanted}
    asked = sorted(uids)
    found: dict[str, frozenset[Key]] = {}
    for start in range(0, len(asked), _CHUNK):
        some = asked[start : start + _CHUNK]
        where = (
            deviations.c.device.in_({device for device, _ in some}),
            deviations.c.uid.in_([uid for _, uid in some]),
        )
        for row in connection.execute(select(deviations.c.device, deviations.c.uid).where(*where)):
            key = uids.get((row.device, row.uid))
            if key is not None:
                found[row.device] = found.get(row.device, frozenset()) | {key}
    return found


def _record(row: Mapping[str, Any]) -> Record:
    deviation = Deviation(
        key=Key(row["control"], row["subject"]),
        severity=Severity(row["severity"]),
        label=row["label"],
        title=row["title"],
        text=row["text"],
        remediation=row["remediation"],
        evidence=tuple(Evidence(item["name"], text) for item in row["evidence"] if (text := _said(item)) is not None),
        user=row["user"],
        client=row["client"],
    )
    return Record(deviation, row["opened_at"], row["last_seen"], row["closed_at"])


def _said(evidence: Mapping[str, Any]) -> str | None:
    """Return what a row of evidence says in words; rows that the agent adds about the circumstances say nothing."""
    data = evidence.get("data")
    text = data.get("text") if isinstance(data, Mapping) else None
    return text if isinstance(text, str) and isinstance(evidence.get("name"), str) else None


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

"""Deviations to order, and an encoder that tells of each change in one event."""

from collections.abc import Iterable, Sequence

from agent.core.deviation import Deviation, Evidence, Findings, Key, Severity
from agent.core.ledger import Change
from agent.core.observation import Scope
from agent.ports import JSON

SCOPE = Scope("config", "ann", "claude-code", "/home/ann/.claude.json")
KINDS = frozenset({"config", "managed", "process"})


def deviation(subject: str, *, text: str = "It runs.", severity: Severity = Severity.HIGH) -> Deviation:
    return Deviation(
        key=Key("server.unapproved.running", subject),
        severity=severity,
        label=subject,
        title="A server runs that no rule allows",
        text=text,
        remediation="Stop it, or allow it.",
        evidence=(Evidence("command", "npx thing"),),
        user="ann",
        depends=(SCOPE,),
    )


def findings(subjects: Iterable[str] = (), *, inconclusive: frozenset[str] = frozenset()) -> Findings:
    """All kinds of scope were looked at, and these subjects deviate."""
    present = {d.key: d for d in map(deviation, subjects)}
    return Findings(present=present, looked=KINDS, inconclusive=inconclusive)


def encode(change: Change) -> Sequence[JSON]:
    return [
        {
            "class_uid": 2003,
            "activity": change.kind.value,
            "finding_info": {"uid": change.deviation.key.subject},
            "metadata": {"version": "1.8.0"},
            "is_alert": change.deviation.severity is Severity.CRITICAL,
        }
    ]


def heartbeat(number: int = 0, padding: str = "") -> JSON:
    return {"class_uid": 5001, "beat": number, "padding": padding}

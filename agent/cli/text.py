"""How documents look to a person: plain lines, worst first, each with its reason. They work on a published document's JSON."""

from collections.abc import Iterator, Mapping
from typing import Any

from agent.cli.terminal import Table
from agent.core.deviation import Severity
from agent.core.moment import moment
from agent.status.helpdesk import one_line

__all__ = ["check_lines", "deviation_line", "moment", "one_line", "policy_line"]

_ORDER = {severity.value: severity.rank for severity in Severity}
_CONCLUSIVE = {"complete", "absent", "skipped"}


def check_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the text form of a `check` document."""
    yield policy_line(document["policy"])
    yield _counts_line(document["summary"]["counts"])
    for deviation in sorted(
        document["deviations"], key=lambda row: (_ORDER[row["severity"]], row["control"], row["subject"])
    ):
        yield deviation_line(deviation)
    yield from _note_lines(document)
    for row in document["coverage"]:
        if row["state"] not in _CONCLUSIVE:
            yield f"not looked at  {row['scope']}: {row['problem']}"
        elif row["state"] == "skipped":
            yield f"left out       {row['scope']}: {row['problem']}"
    yield document["summary"]["why"]


def check_parts(document: Mapping[str, Any]) -> Iterator[str | Table]:
    """Yield the same for a terminal: deviations and what was not looked at in tables."""
    yield policy_line(document["policy"])
    yield _counts_line(document["summary"]["counts"])
    rows = sorted(document["deviations"], key=lambda row: (_ORDER[row["severity"]], row["control"], row["subject"]))
    yield Table(
        ("severity", "control", "whose, and why", "what to do"),
        tuple(
            (row["severity"], row["control"], f"{row['subject']}: {row['text']}", row["remediation"]) for row in rows
        ),
    )
    yield from _note_lines(document)
    unseen = [row for row in document["coverage"] if row["state"] not in _CONCLUSIVE or row["state"] == "skipped"]
    yield Table(
        ("place", "was", "why"),
        tuple(
            (row["scope"], "left out" if row["state"] == "skipped" else "not looked at", row["problem"] or "")
            for row in unseen
        ),
    )
    yield document["summary"]["why"]


def policy_line(policy: Mapping[str, Any]) -> str:
    """Say in one line which policy is in force and where it comes from."""
    selected = [source["path"] for source in policy["sources"] if source["selected"]]
    allow = "no allowlist" if policy["allow"] is None else f"{len(policy['allow'])} allow"
    details = [allow, f"{len(policy['deny'])} deny", "locked" if policy["locked"] else "not locked"]
    if policy["exclusive"]:
        details.append("exclusive (managed-mcp.json)")
    where = f" from {', '.join(selected)}" if selected else ""
    return f"policy: {policy['state']}{where}" + (f" ({', '.join(details)})" if policy["state"] != "none" else "")


def deviation_line(row: Mapping[str, Any]) -> str:
    """Say one deviation in one line: severity, control, who and what, and why."""
    return one_line(f"{row['severity']:<8}  {row['control']}  {row['subject']}: {row['text']}")


def _note_lines(document: Mapping[str, Any]) -> Iterator[str]:
    for row in document["processes"]:
        for note in row.get("notes", ()):
            yield one_line(f"{'note':<8}  {row['client'] or 'process'} {row['pid']}: {note}")


def _counts_line(counts: Mapping[str, int]) -> str:
    unread, places = counts["scopes_not_readable"], _number(counts["scopes"], "place")
    return (
        f"looked at: {places}{f' ({unread} of them could not be read)' if unread else ''},"
        f" {_number(counts['servers'], 'server')}, {counts['running']} running, {_number(counts['deviations'], 'deviation')}"
    )


def _number(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"

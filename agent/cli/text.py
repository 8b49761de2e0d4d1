"""How documents look to a person: plain lines, worst first, each with its reason. They work on a published document's JSON."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from agent.core.deviation import Severity

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
    for row in document["coverage"]:
        if row["state"] not in _CONCLUSIVE:
            yield f"not looked at  {row['scope']}: {row['problem']}"
        elif row["state"] == "skipped":
            yield f"left out       {row['scope']}: {row['problem']}"
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


def status_lines(document: Mapping[str, Any], age_s: float) -> Iterator[str]:
    """Yield the text form of a fresh status document."""
    check = document["check"]
    device = check["device"]
    yield f"{device['hostname']} ({device['os_version']}), agent {device['agent_version']}, looked at {age_s:.0f} s ago"
    yield policy_line(check["policy"])
    for deviation in sorted(check["deviations"], key=lambda row: (_ORDER[row["severity"]], row["since"] or 0)):
        since = f" (since {moment(deviation['since'])})" if deviation["since"] else ""
        yield deviation_line(deviation) + since
        yield f"          what to do: {one_line(deviation['remediation'])}"
    yield f"processes noticed by: {document.get('process_events') or 'the timed sweep alone'}"
    for condition in document["health"]:
        yield f"agent     {condition['code']}  {one_line(condition['text'])}"
    for row in document["delivery"]:
        last = (
            f"last delivered {moment(row['last_accepted_at'])}" if row["last_accepted_at"] else "nothing delivered yet"
        )
        problem = f"; {one_line(row['problem'])}" if row["problem"] else ""
        yield f"reports   {row['sink']}: {row['pending']} waiting, {last}{problem}"
    yield check["summary"]["why"]


def moment(at: float) -> str:
    """Return a time for people: UTC, to the second."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def one_line(text: str) -> str:
    """Return `text` without line breaks or control characters: a server's name must not forge a line or a colour."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _counts_line(counts: Mapping[str, int]) -> str:
    return "looked at: " + ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items())

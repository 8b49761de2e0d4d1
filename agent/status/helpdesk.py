"""The status in ten lines, for whoever has the user on the telephone."""

from collections.abc import Iterator, Mapping
from typing import Any

from agent.core.advice import UNNAMED, it_must, tell_user
from agent.core.control import within
from agent.core.moment import moment
from agent.status.conditions import CONDITIONS
from agent.status.formats import reports_get_through
from agent.status.word import Word

_LABEL = 10
_NAMES = {"https": "central endpoint", "jsonl": "local file", "system_log": "log of this machine"}
"""What the help desk calls destinations that the settings give no name."""


def lines(word: Word, now: float) -> Iterator[str]:
    """Yield the ten lines; `now` is Unix time."""
    for label, text in answers(word, now):
        yield f"{label:<{_LABEL}}{one_line(text)}"


def answers(word: Word, now: float) -> Iterator[tuple[str, str]]:
    """Yield each line as its label and its text."""
    worst = word.counting[0] if word.counting else None
    own = next((row for row in word.counting if row["subject"] != UNNAMED), worst)
    device = word.device
    named = (
        f"{device['hostname']} ({device['os_version']}), agent {device['agent_version']}" if device else "this device"
    )
    yield "Device", named
    yield "Stands", word.state.upper()
    yield "Why", word.why
    yield "Since", _since(word, now)
    yield "Policy", _policy(word)
    yield "Open", _open(word)
    yield "Tell user", tell_user(word.state, own)
    yield "IT must", it_must(word.state, worst, alive=word.alive, trouble=_trouble(word))
    yield "Looked", _looked(word)
    yield "Reports", _reports(word, now)


def one_line(text: str) -> str:
    """Return `text` without line breaks or control characters: a server's name must not forge a line or a colour."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def span(seconds: float) -> str:
    """Return a length of time for people."""
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    whole = max(round(seconds), 0)
    return "1 second" if whole == 1 else f"{whole} seconds"


def _since(word: Word, now: float) -> str:
    since = word.document.get("state_since")
    if not word.alive and word.age_s is not None:
        return f"{moment(now - word.age_s)} ({span(word.age_s)}), when the agent spoke last"
    if since is None:
        return "not known"
    return f"{moment(since)} ({span(now - since)})"


def _policy(word: Word) -> str:
    policy = word.check.get("policy")
    if not policy:
        return "not known"
    selected = [source["path"] for source in policy.get("sources", ()) if source["selected"]]
    where = f", from {', '.join(selected)}" if selected else ""
    states = {"effective": "in force", "none": "there is none", "refused": "the client refuses it"}
    return states.get(policy["state"], "which one is in force is not known") + where


def _open(word: Word) -> str:
    if not word.document:
        return "not known"
    others = len(word.deviations) - len(word.counting)
    if not word.deviations:
        return "no deviation"
    first = [f"{within(row['title'])} ({row['severity']})" for row in word.counting[:3]]
    more = len(word.counting) - len(first)
    minor = f"{others} of low severity" if others else ""
    return "; ".join([*first, *([f"{more} more"] if more else []), *([minor] if minor else [])])


def _trouble(word: Word) -> tuple[str, ...]:
    """Return what ails the agent itself, as far as somebody must act on it."""
    rows = [row for row in word.document.get("health", ()) if row["severity"] not in ("low", "info")]
    grave = [within(CONDITIONS[row["code"]].title) if row["code"] in CONDITIONS else row["code"] for row in rows]
    ails = (f"the agent has trouble ({', '.join(grave)})",) if grave else ()
    return ails if reports_get_through(word) or not word.alive else (*ails, "reports do not get through")


def _looked(word: Word) -> str:
    if word.age_s is None:
        return "never"
    hidden = (word.check.get("summary") or {}).get("counts", {}).get("scopes_not_readable", 0)
    places = "1 place" if hidden == 1 else f"{hidden} places"
    return f"{span(word.age_s)} ago" + (f"; {places} could not be looked at" if hidden else "")


def _reports(word: Word, now: float) -> str:
    if not word.alive:
        return "not known"
    rows = word.document.get("delivery", ())
    said = "; ".join(_destination(row, now) for row in rows)
    if any(row["code"] == "endpoint.none" for row in word.document.get("health", ())) or not rows:
        return "stay on this device: no endpoint is configured" + (f". {said}" if said else "")
    if not reports_get_through(word):
        return f"DO NOT GET THROUGH. {said}"
    waits = any(row["pending"] and not row["last_accepted_at"] for row in rows)
    return f"{'are on their way' if waits else 'get through'}. {said}"


def _destination(row: Mapping[str, Any], now: float) -> str:
    last = row["last_accepted_at"]
    when = f"last {span(now - last)} ago" if last else "none yet since the agent started"
    trouble = f"{row['problem']}; " if row["problem"] else ""
    return f"{_NAMES.get(row['sink'], row['sink'])}: {trouble}{when}, {row['pending']} waiting"

"""What each MDM expects of `status`: one function per format in one table, each giving the text and the exit status.

| format | contract |
|---|---|
| jamf | extension attribute: the text between `<result>` and `</result>` is stored |
| intune | custom compliance discovery: one JSON object on one line, exit 0; the rules compare its values |
| kandji | custom script: exit 0 passes, anything else alerts; what is printed is logged |
| wsone | Workspace ONE sensor: the value on standard output, here a string |
| munki | installcheck_script: exit 0 means that an installation is needed, here because the agent is silent |
| exit | nothing is printed; the exit status says it |
"""

import json
from collections.abc import Callable
from typing import Any

from agent.status.word import Word

Given = tuple[str, int]


def facts(word: Word) -> dict[str, Any]:
    """Return the flat facts that every format draws from; ages in whole seconds, -1 where nothing was ever said."""
    return {
        "State": word.state,
        "AgentAlive": word.alive,
        "DataAgeSeconds": -1 if word.age_s is None else int(word.age_s),
        "OpenDeviations": len(word.counting),
        "WorstSeverity": word.worst,
        "PolicyState": str((word.check.get("policy") or {}).get("state", "unknown")),
        "ReportsGetThrough": reports_get_through(word),
        "AgentVersion": str(word.device.get("agent_version", "unknown")),
        "Why": word.why,
    }


def reports_get_through(word: Word) -> bool:
    """Say whether no destination has trouble now; false where nothing is known."""
    return word.alive and not any(row.get("problem") for row in word.document.get("delivery", ()))


def _jamf(word: Word) -> Given:
    known = facts(word)
    text = (
        f"{known['State']}; worst: {known['WorstSeverity']}; open: {known['OpenDeviations']};"
        f" agent alive: {'yes' if known['AgentAlive'] else 'no'}; data age: {known['DataAgeSeconds']} s; {word.why}"
    )
    from xml.sax.saxutils import escape  # noqa: PLC0415 - it brings a whole HTTP client, which the daemon does without

    return f"<result>{escape(text)}</result>", 0


def _intune(word: Word) -> Given:
    return json.dumps(facts(word), separators=(",", ":")), 0


def _kandji(word: Word) -> Given:
    return f"{word.state}: {word.why}", word.exit_status


def _wsone(word: Word) -> Given:
    return word.state, 0


def _munki(word: Word) -> Given:
    return f"mcp_compliance_state={word.state}", 1 if word.alive else 0


def _exit(word: Word) -> Given:
    return "", word.exit_status


FORMATS: dict[str, Callable[[Word], Given]] = {
    "exit": _exit,
    "jamf": _jamf,
    "intune": _intune,
    "kandji": _kandji,
    "wsone": _wsone,
    "munki": _munki,
}
"""Every format for machines besides json."""

"""What the help desk says and does about a device, by its worst deviation: one sentence for the user, one for IT."""

from collections.abc import Mapping, Sequence
from typing import Any

UNNAMED = "on this device"
"""The subject of what concerns nobody who asks."""

_ADVICE = (
    ("server.denied.running", "Quit {client} now: it runs a server that the company blocks ({subject})."),
    (
        "server.unapproved.running",
        "Quit {client} now: it runs a server that nobody approved ({subject}). Ask IT if you need it.",
    ),
    ("server.flag-injected", "Quit {client}, and start it without the options that add a server ({subject})."),
    (
        "server.secret-in-config",
        "A password or key stands in the settings of {client} ({subject}). Change it where it is used.",
    ),
    ("server.unpinned", "You need to do nothing; IT names the version of a server ({subject})."),
    ("server.blocked.configured", "{client} will not start one of its servers ({subject}). Ask IT if you need it."),
    (
        "server.substituted",
        "Quit {client} now: something else runs in place of an approved server ({subject}). IT looks into it.",
    ),
    (
        "server.exposed",
        "Quit {client} unless you need it: others on your network reach one of its servers ({subject}).",
    ),
    ("server.", "Remove a server from {client} ({subject}). Ask IT if you need it."),
    ("managed-file.", "Nothing is wrong with your work; IT repairs the policy files. Please keep the device online."),
    ("baseline.", "Nothing is wrong with your work; IT looks after the policy files. You need to do nothing."),
    ("policy.", "Nothing is wrong with your work; IT corrects the policy. You need to do nothing."),
    ("client.", "Update {client} and start it again."),
    ("agent.", "Nothing is wrong with your work; IT looks after the agent. Please keep the device online."),
    ("", "Ask IT what to do about it."),
)
_FINE = "Everything is fine; there is nothing to do."
_OTHERS = "It is no server of yours; IT looks after it. You need to do nothing."
_UNKNOWN = "We cannot tell how the device stands; IT looks after the agent. Please keep the device online."


def tell_user(state: str, worst: Mapping[str, Any] | None) -> str:
    """Return what to tell the user of a device in `state` whose worst deviation, of the own if there are any, is `worst`."""
    if worst is None:
        return _FINE if state == "compliant" else _UNKNOWN
    if worst["subject"] == UNNAMED and str(worst["control"]).startswith("server."):
        return _OTHERS
    text = next(text for prefix, text in _ADVICE if str(worst["control"]).startswith(prefix))
    said = text.format(subject=worst["subject"], client=worst.get("client") or "the program with the server")
    return said[:1].upper() + said[1:]


def it_must(state: str, worst: Mapping[str, Any] | None, *, alive: bool, trouble: Sequence[str] = ()) -> str:
    """Return what IT must do about a device in `state` whose worst deviation is `worst`.

    `alive`: its agent speaks; `trouble` is what ails the agent itself, each in a few words.
    """
    if not alive:
        return "Start the agent's service, and see `mcp-compliance doctor`."
    if worst is not None:
        return str(worst["remediation"])
    if state == "unknown":
        return "See `mcp-compliance doctor`: a part of the device cannot be looked at."
    if trouble:
        return f"See `mcp-compliance doctor`: {'; '.join(trouble)}."
    return "Nothing."

"""What the help desk says and does about a device, by its worst deviation: one sentence for the user, one for IT."""

from collections.abc import Mapping
from typing import Any

_ADVICE = (
    ("server.denied.running", "Quit {client} now. A server that the company blocks is running: {subject}."),
    ("server.unapproved.running", "Quit the server {subject}, and ask IT to have it reviewed if you need it."),
    ("server.", "Remove the server {subject} from {client}, and ask IT to have it reviewed if you need it."),
    ("managed-file.", "Nothing is wrong with your work; IT repairs the policy files. Please keep the device online."),
    ("baseline.", "Nothing is wrong with your work; IT looks after the policy files. You need to do nothing."),
    ("policy.", "Nothing is wrong with your work; IT corrects the policy. You need to do nothing."),
    ("client.", "Update {client} and start it again."),
    ("agent.", "Nothing is wrong with your work; IT looks after the agent. Please keep the device online."),
    ("", "Ask IT what to do about it."),
)
_FINE = "Everything is fine; there is nothing to do."
_UNKNOWN = "We cannot tell how the device stands; IT looks after the agent. Please keep the device online."


def tell_user(state: str, worst: Mapping[str, Any] | None) -> str:
    """Return what to tell the user of a device in `state` whose worst deviation is `worst`."""
    if worst is None:
        return _FINE if state == "compliant" else _UNKNOWN
    text = next(text for prefix, text in _ADVICE if str(worst["control"]).startswith(prefix))
    return text.format(subject=worst["subject"], client=worst.get("client") or "its client")


def it_must(state: str, worst: Mapping[str, Any] | None, *, alive: bool) -> str:
    """Return what IT must do about a device in `state` whose worst deviation is `worst`; `alive`: its agent speaks."""
    if not alive:
        return "Start the agent's service, and see `mcp-compliance doctor`."
    if worst is not None:
        return str(worst["remediation"])
    if state == "unknown":
        return "See `mcp-compliance doctor`: a part of the device cannot be looked at."
    return "Nothing."

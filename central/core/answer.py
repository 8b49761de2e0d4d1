"""The help desk's five questions about a device: is it fine, why not, since when, what to tell the user, what IT must do.

Silence is not fine: a device that told nothing for a while is *unknown* here, whatever it said last.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.core import advice
from agent.core.deviation import Severity
from central.core.device import Device
from central.core.fleet import Terms
from central.core.observe import quiet_for
from central.core.times import span

_TELL = {
    "device.silent": "Please connect the device to the network and leave it on; nothing else is to be done.",
    "device.": "Nothing is wrong with your work; IT looks after it. You may be asked to hand in the device.",
    "report.": "Nothing is wrong with your work; IT looks after the agent. Please keep the device online.",
}
"""What is said of deviations that only this endpoint sees; of all others the agent's own words."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a device stands as seen from here. `since` is Unix time, None where it is not known; `heard`: it told of late."""

    state: str
    why: str
    since: float | None
    heard: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """The five answers."""

    state: str
    why: str
    since: float | None
    tell_user: str
    it_must: str


def standing(device: Device, terms: Terms, now: float) -> Standing:
    """Return how `device` stands at `now`: as it told, unless it has been silent for too long or never spoke."""
    quiet = quiet_for(device, now)
    if device.told_at is None:
        return Standing("unknown", "The device has not reported yet.", device.enrolled_at, heard=False)
    if quiet >= terms.unknown_after_s:
        said = f"Nothing came from the device for {span(quiet)}; then it was {device.state}."
        return Standing("unknown", said, device.contact_at, heard=False)
    return Standing(device.state, device.why, device.state_since)


def answer(stands: Standing, opened: Sequence[Mapping[str, Any]]) -> Answer:
    """Answer the five questions. `opened` are the open deviations that nobody excepted, worst first."""
    counting = [row for row in opened if Severity(row["severity"]).counts]
    worst = counting[0] if counting else None
    state, why, since = stands.state, stands.why, stands.since
    if state == "compliant" and worst is not None:  # what the device cannot know makes it deviate here
        state, why, since = "deviating", worst["text"], worst["opened_at"]
    alive = stands.heard or (worst is not None and worst["control"] == "device.silent")  # whose remedy says more
    return Answer(state, why, since, _tell(state, worst), advice.it_must(state, worst, alive=alive))


def _tell(state: str, worst: Mapping[str, Any] | None) -> str:
    if worst is not None:
        said = next((text for prefix, text in _TELL.items() if worst["control"].startswith(prefix)), None)
        if said is not None:
            return said
        worst = {"control": worst["control"], "subject": worst["label"], "client": worst["client"]}
    return advice.tell_user(state, worst)

from dataclasses import replace

from central.core.answer import answer, standing
from central.core.device import Device
from central.core.fleet import Terms

NOW = 1_764_000_000.0
FINE = Device(
    id="d1",
    state="compliant",
    why="Nothing deviates.",
    state_since=NOW - 50,
    told_at=NOW - 9,
    contact_at=NOW - 9,
    enrolled_at=0,
)
SILENT = {
    "control": "device.silent",
    "severity": "high",
    "label": "laptop-7",
    "text": "Nothing came.",
    "remediation": "Find out whether the device is in use.",
    "client": None,
    "opened_at": NOW - 5,
}


def test_a_device_that_reports_stands_as_it_says() -> None:
    said = answer(standing(FINE, Terms(), NOW), [])
    assert (said.state, said.since, said.it_must) == ("compliant", NOW - 50, "Nothing.")
    assert "Everything is fine" in said.tell_user


def test_silence_makes_it_unknown_and_says_what_to_do() -> None:
    quiet = replace(FINE, contact_at=NOW - 4 * 3_600)
    said = answer(standing(quiet, Terms(), NOW), [])
    assert (said.state, said.since) == ("unknown", NOW - 4 * 3_600)
    assert said.it_must.startswith("Start the agent's service")
    said = answer(standing(quiet, Terms(), NOW), [SILENT])
    assert said.it_must == SILENT["remediation"]
    assert "connect the device" in said.tell_user


def test_what_only_the_fleet_shows_makes_a_device_deviate() -> None:
    drift = {**SILENT, "control": "policy.drift", "text": "Its policy is another."}
    said = answer(standing(FINE, Terms(), NOW), [drift])
    assert (said.state, said.why, said.since) == ("deviating", "Its policy is another.", NOW - 5)


def test_a_low_deviation_does_not_make_a_device_deviate() -> None:
    assert answer(standing(FINE, Terms(), NOW), [{**SILENT, "severity": "low"}]).state == "compliant"


def test_who_never_told_is_unknown() -> None:
    assert standing(Device(id="d2", enrolled_at=NOW), Terms(), NOW).state == "unknown"

"""What the receiving end sees in a device that the device cannot tell of itself: each a deviation of a control of our own.

A pure question about one device, the fleet and the time; `agent.core.ledger` carries the answers forward. Every sign goes by
itself: what is not present any more is gone.
"""

from collections.abc import Callable, Iterator

from agent.core.deviation import Deviation, Evidence, Findings, Key
from central.core.chain import Gap, two_writers
from central.core.control import CONTROLS
from central.core.device import Device
from central.core.fleet import Fleet, Terms, differences, ordered
from central.core.times import span

_SAID = 8


def observe(device: Device, fleet: Fleet, terms: Terms, now: float) -> Findings:
    """Return what is wrong with `device` as seen from here at `now` (Unix seconds)."""
    found = [deviation for sign in _SIGNS for deviation in sign(device, fleet, terms, now)]
    return Findings(present={deviation.key: deviation for deviation in found})


def quiet_for(device: Device, now: float) -> float:
    """Return for how many seconds nothing came from `device`, counted from its enrolment where nothing ever did."""
    return now - (device.contact_at if device.contact_at is not None else device.enrolled_at)


def _silent(device: Device, _fleet: Fleet, terms: Terms, now: float) -> Iterator[Deviation]:
    if quiet_for(device, now) >= terms.silent_after_s:
        said = (
            "ever since it was enrolled" if device.contact_at is None else f"for more than {span(terms.silent_after_s)}"
        )
        yield _deviation(
            "device.silent", device, f"Nothing came from {_name(device)} {said}: how it stands is not known."
        )


def _cloned(device: Device, _fleet: Fleet, terms: Terms, now: float) -> Iterator[Deviation]:
    pair = two_writers([line for line in device.lines if now - line.new_at < terms.evidence_kept_s])
    if pair is None:
        return
    older, younger = pair
    names = sorted({name for name in (older.hostname, younger.hostname) if name})
    yield _deviation(
        "device.cloned",
        device,
        "Reports that cannot come from one machine arrive as this device"
        + (f", from {' and '.join(names)}" if len(names) > 1 else "")
        + ": its state folder was copied, or another machine uses its credential.",
        Evidence("journal", f"{older.journal} from sequence {older.first}"),
        Evidence("journal", f"{younger.journal} from sequence {younger.first}"),
    )


def _clock_off(device: Device, _fleet: Fleet, terms: Terms, _now: float) -> Iterator[Deviation]:
    if device.offset_s is not None and abs(device.offset_s) > terms.clock_off_s:
        how = "behind" if device.offset_s > 0 else "ahead"
        yield _deviation(
            "device.clock-off", device, f"The clock of {_name(device)} is more than {span(terms.clock_off_s)} {how}."
        )


def _gaps(device: Device, _fleet: Fleet, terms: Terms, now: float) -> Iterator[Deviation]:
    recent = [gap for gap in _recent(device, terms, now) if gap.away_since is None]
    if not recent:
        return
    missing = sum(gap.size for gap in recent)
    declared = sum(number for reason, number in device.dropped.items() if reason != "folded")
    known = (
        f"; the agent says that it gave up {declared}" if declared else "; the agent does not say that it gave any up"
    )
    yield _deviation(
        "report.gap",
        device,
        f"{missing} {'report' if missing == 1 else 'reports'} of {_name(device)} did not arrive{known}.",
        *(Evidence("sequence", f"{gap.first} to {gap.last}") for gap in recent[:_SAID]),
    )


def _elsewhere(device: Device, _fleet: Fleet, terms: Terms, now: float) -> Iterator[Deviation]:
    recent = [gap for gap in _recent(device, terms, now) if gap.away_since is not None]
    if not recent:
        return
    number = sum(gap.size for gap in recent)
    away_s = sum(max(0.0, gap.seen_at - (gap.away_since or 0.0)) for gap in recent)
    yield _deviation(
        "report.elsewhere",
        device,
        f"The agent's settings on {_name(device)} did not name this endpoint for {span(away_s)}:"
        f" {number} {'report was' if number == 1 else 'reports were'} not for it."
        " What holds, and what opened and closed meanwhile, was told when they named it again.",
        *(Evidence("sequence", f"{gap.first} to {gap.last}") for gap in recent[:_SAID]),
    )


def _recent(device: Device, terms: Terms, now: float) -> list[Gap]:
    return [gap for line in device.lines for gap in line.gaps if now - gap.seen_at < terms.evidence_kept_s]


def _broken(device: Device, _fleet: Fleet, terms: Terms, now: float) -> Iterator[Deviation]:
    broken = [line for line in device.lines if line.broken and now - line.started_at < terms.evidence_kept_s]
    if broken:
        line = broken[-1]
        yield _deviation(
            "report.chain-broken",
            device,
            f"From sequence {line.first} on, the reports of {_name(device)} do not continue those that had arrived:"
            " its journal was altered, or put back from a copy.",
            Evidence("journal", line.journal),
        )


def _outdated(device: Device, fleet: Fleet, terms: Terms, _now: float) -> Iterator[Deviation]:
    current = terms.agent_version or fleet.agent_version
    if current and device.agent_version and ordered(device.agent_version) < ordered(current):
        yield _deviation(
            "agent.outdated", device, f"{_name(device)} runs the agent {device.agent_version}; {current} is current."
        )


def _drifted(device: Device, fleet: Fleet, _terms: Terms, _now: float) -> Iterator[Deviation]:
    if not fleet.policy_digest or not device.policy_digest or device.policy_digest == fleet.policy_digest:
        return
    if device.policy_digest in fleet.accepted:
        return
    yield _deviation(
        "policy.drift",
        device,
        f"The policy on {_name(device)} is not the one of {fleet.policy_by}: {_meaning(device, fleet)}.",
        Evidence("policy", f"{device.policy_digest} instead of {fleet.policy_digest}"),
    )


def _meaning(device: Device, fleet: Fleet) -> str:
    """Say what the difference is, as far as both policies were told."""
    expected, found = fleet.policies.get(fleet.policy_digest), fleet.policies.get(device.policy_digest)
    if expected is None or found is None:
        whose = "the expected one" if expected is None else "its own"
        return f"no device has told yet what {whose} says"
    said = differences(expected, found)
    return "; ".join(said[:_SAID]) if said else "list entries and switches are the same, other parts of it are not"


def _first_seen(device: Device, fleet: Fleet, terms: Terms, now: float) -> Iterator[Deviation]:
    for first in fleet.firsts.get(device.id, ()):
        if fleet.learned_at is None or first.at < fleet.learned_at or now - first.at >= terms.evidence_kept_s:
            continue
        yield _of_server(
            "server.first-seen", device, first.identity, first.what, f"{_name(device)} is the first device that has it."
        )


def _spreading(device: Device, fleet: Fleet, terms: Terms, _now: float) -> Iterator[Deviation]:
    for identity, spread in fleet.spreading.items():
        if spread.device == device.id:
            text = (
                f"At least {terms.spread_devices} devices that the policy does not allow it on have it, "
                f"and got it within {span(terms.spread_within_s)}; {_name(device)} was the first."
            )
            yield _of_server("server.spreading", device, identity, spread.what, text)


_SIGNS: tuple[Callable[[Device, Fleet, Terms, float], Iterator[Deviation]], ...] = (
    _silent,
    _cloned,
    _clock_off,
    _gaps,
    _elsewhere,
    _broken,
    _outdated,
    _drifted,
    _first_seen,
    _spreading,
)


def _of_server(control: str, device: Device, identity: str, what: str, text: str) -> Deviation:
    row = CONTROLS[control]
    return Deviation(
        key=Key(control, identity),
        severity=row.severity,
        label=what,
        title=row.title,
        text=text,
        remediation=row.remedy,
        evidence=(Evidence("command", what), Evidence("device", device.hostname or device.id)),
    )


def _deviation(control: str, device: Device, text: str, *evidence: Evidence) -> Deviation:
    row = CONTROLS[control]
    return Deviation(
        key=Key(control, device.id),
        severity=row.severity,
        label=device.hostname or device.id,
        title=row.title,
        text=text,
        remediation=row.remedy,
        evidence=evidence,
    )


def _name(device: Device) -> str:
    return device.hostname or f"the device {device.id}"

"""What a candidate policy would change in the fleet: every recorded server of every device, put to the policy engine."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Annotated, Any

from pydantic import Field, field_validator
from sqlalchemy import select

from agent.core.jsontext import MAX_DEPTH
from central.asking.ask import Ask, Params
from central.core.preview import Candidate, Effect, Preview
from central.store.schema import devices, policies, servers

_NESTING = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]', re.DOTALL)
_SAMPLES = 8
_MOST_GROUPS = 300
_FETCHED = 2_000


class CandidateParams(Params):
    """The candidate, as the text of the file."""

    candidate: Annotated[
        str, Field(min_length=1, max_length=512 << 10, description="the text of a managed-settings.json")
    ]

    @field_validator("candidate")
    @classmethod
    def _shallow(cls, value: str) -> str:
        depth = 0
        for piece in _NESTING.finditer(value):
            depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(piece.group(), 0)
            if depth > MAX_DEPTH:
                raise ValueError(f"it is nested deeper than {MAX_DEPTH}")
        return value


@dataclass(frozen=True, slots=True)
class Effected:
    """One server on one device that would be another one under the candidate."""

    effect: str
    before: str
    after: str
    device: str
    hostname: str
    user: str | None
    client: str
    name: str
    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class EffectGroup:
    """One server and what would become of it, on how many devices; `hostnames` are some of them."""

    effect: str
    before: str
    identity: str
    what: str
    clients: tuple[str, ...]
    devices: int
    hostnames: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Weakness:
    """Something in the candidate that does not do what it looks like."""

    control: str
    text: str
    remediation: str
    line: int | None


@dataclass(frozen=True, slots=True)
class PreviewAnswer:
    """What would change. `refusal` is why clients would not start under the candidate, empty where they would."""

    state: str
    refusal: str
    weaknesses: tuple[Weakness, ...]
    devices: int
    servers: int
    counts: dict[str, int]
    devices_by_effect: dict[str, int]
    groups: tuple[EffectGroup, ...]
    truncated: bool


@dataclass(eq=False)
class _Group:
    first: Effected
    identity: str
    clients: set[str] = field(default_factory=set)
    devices: int = 0
    last: str = ""
    hostnames: list[str] = field(default_factory=list)

    def add(self, row: Effected) -> None:
        self.clients.add(row.client)
        if row.device != self.last:
            self.last = row.device
            self.devices += 1
            if len(self.hostnames) < _SAMPLES:
                self.hostnames.append(row.hostname or row.device)


def preview(ask: Ask[CandidateParams]) -> PreviewAnswer:
    """Say what the candidate would change."""
    candidate = Candidate(ask.params.candidate.encode("utf-8", "replace"))
    policy = candidate.policy
    counts = dict.fromkeys((effect.value for effect in Effect), 0)
    on: dict[str, int] = dict.fromkeys(counts, 0)
    groups: dict[tuple[str, str, str, str], _Group] = {}
    seen = 0
    for rows in _by_device(ask, candidate) if not policy.refusal else ():
        seen += 1
        for effect in {row.effect for _, row in rows}:
            on[effect] += 1
        for identity, row in rows:
            counts[row.effect] += 1
            if row.effect != Effect.SAME:
                key = (row.effect, row.before, identity, row.reason)
                groups.setdefault(key, _Group(row, identity)).add(row)
    order = {effect.value: at for at, effect in enumerate(Effect)}
    ranked = sorted(groups.values(), key=lambda one: (order[one.first.effect], -one.devices, one.first.what))
    return PreviewAnswer(
        policy.state,
        policy.refusal or "",
        tuple(Weakness(one.control, one.text, one.remedy, one.line) for one in candidate.findings),
        seen,
        sum(counts.values()),
        counts,
        on,
        tuple(_told(one) for one in ranked[:_MOST_GROUPS]),
        truncated=len(ranked) > _MOST_GROUPS,
    )


def effected(ask: Ask[CandidateParams]) -> Iterator[Effected]:
    """Yield every server on every device that would be another one."""
    candidate = Candidate(ask.params.candidate.encode("utf-8", "replace"))
    if not candidate.policy.refusal:
        for rows in _by_device(ask, candidate):
            yield from (row for _, row in rows if row.effect != Effect.SAME)


def _by_device(ask: Ask[Any], candidate: Candidate) -> Iterator[list[tuple[str, Effected]]]:
    told = {row.digest: row.facts for row in ask.connection.execute(select(policies))}
    asked = Preview(candidate)
    query = select(servers, devices.c.hostname, devices.c.policy_digest)
    query = query.join(devices, devices.c.device == servers.c.device).where(servers.c.gone_at.is_(None))
    found = ask.connection.execution_options(yield_per=_FETCHED).execute(
        query.order_by(servers.c.device, servers.c.key)
    )
    for _, group in groupby(found.mappings(), key=lambda row: row["device"]):
        rows = [dict(row) for row in group]
        digest = rows[0]["policy_digest"]
        outcomes = asked.outcomes(digest, told.get(digest), rows)
        yield [
            (
                row["identity"],
                Effected(
                    outcome.effect.value,
                    outcome.before,
                    outcome.after,
                    row["device"],
                    row["hostname"],
                    row["user"],
                    row["client"],
                    row["name"],
                    row["what"],
                    outcome.reason,
                ),
            )
            for row, outcome in zip(rows, outcomes, strict=True)
        ]


def _told(group: _Group) -> EffectGroup:
    first = group.first
    names = tuple(sorted(group.clients))
    return EffectGroup(
        first.effect,
        first.before,
        group.identity,
        first.what,
        names,
        group.devices,
        tuple(group.hostnames),
        first.reason,
    )

"""The agent's last word, as far as the asking user may know it: the full document, the public part, or silence.

Silence (missing, stale, broken) is *unknown*, never fine. Nothing here scans, and nothing imports more than reading JSON needs.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from agent.host.machine import Machine, own_paths
from agent.status.document import Fresh, Silent, load, read
from agent.status.public import public_folder, user_file

STATUS = {"compliant": 0, "deviating": 1}
UNKNOWN = 2
SEVERITIES = ("critical", "high", "medium", "low", "info")
_COUNTING = frozenset(SEVERITIES[:3])

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Word:
    """How the device stands: `state` is compliant, deviating or unknown. `age_s` is None where nothing was ever said.

    `document` is the status document or its public part; empty where there is no word that counts.
    """

    state: str
    why: str
    alive: bool
    age_s: float | None
    document: JSON = field(default_factory=dict)

    @property
    def exit_status(self) -> int:
        """0 compliant, 1 deviating, 2 unknown."""
        return STATUS.get(self.state, UNKNOWN)

    @property
    def check(self) -> JSON:
        """The check of the document, empty without one."""
        return self.document.get("check") or {}

    @property
    def device(self) -> JSON:
        """The device of the document, empty without one."""
        return self.check.get("device") or {}

    @property
    def deviations(self) -> list[JSON]:
        """Every open deviation, worst first; of equal ones that first which the document's own sentence names."""
        return sorted(self.check.get("deviations") or (), key=lambda row: SEVERITIES.index(row["severity"]))

    @property
    def counting(self) -> list[JSON]:
        """The deviations that make the device deviating, worst first."""
        return [row for row in self.deviations if row["severity"] in _COUNTING]

    @property
    def worst(self) -> str:
        """The severity of the worst open deviation, `none` without one."""
        return next((str(row["severity"]) for row in self.deviations), "none")

    @property
    def public(self) -> bool:
        """Whether this is the public part only."""
        return self.document.get("schema") == "mcp-compliance/public/1"


def state_folders(machine: Machine, state: Path) -> tuple[Path, ...]:
    """Return where a word may be: the state folder in use, and for an ordinary user that of the system's agent first."""
    if machine.privileged or state != own_paths(machine).state:
        return (state,)
    return (own_paths(replace(machine, privileged=True)).state, state)


def last_word(folders: tuple[Path, ...], now: float, uid: int | None) -> Word:
    """Return the first word that counts from the state folders, of each the full document before its public part.

    `uid` is who asks: the part of that user is put into the public part.
    """
    answers = [answer for folder in folders for answer in _answers(folder, now, uid)]
    fresh = [answer for answer in answers if isinstance(answer, Fresh)]
    if fresh:
        best = fresh[0]
        summary = best.document["check"]["summary"]
        return Word(summary["state"], summary["why"], alive=True, age_s=best.age_s, document=best.document)
    silent = [answer for answer in answers if isinstance(answer, Silent)]
    told = next((answer for answer in silent if answer.document is not None), None) or silent[0]
    age = now - float(told.document["written_at"]) if told.document else None
    return Word("unknown", told.text, alive=False, age_s=age)


def _answers(folder: Path, now: float, uid: int | None) -> Iterator[Fresh | Silent]:
    full = read(folder, now)
    yield full
    if isinstance(full, Silent):
        public = read(public_folder(folder), now)
        if isinstance(public, Fresh):
            yield Fresh(_with_own(public.document, folder, uid), public.age_s)
        elif public.document is not None:
            yield public


def _with_own(document: JSON, folder: Path, uid: int | None) -> JSON:
    """Return the public part with what the asking user may know besides: the own rows in place of the unnamed ones."""
    if uid is None:
        return document
    own: Mapping[str, Any] = {}
    with contextlib.suppress(OSError, ValueError):
        own = load(user_file(folder, uid))
    rows = {row.get("uid"): row for row in own.get("deviations", ())}
    check = dict(document["check"])
    check["deviations"] = [rows.get(row["uid"], row) for row in check["deviations"]]
    check["servers"] = list(own.get("servers", ()))
    return {**document, "check": check}


def asking_uid() -> int | None:
    """Return who asks, None where the system has no uids."""
    return os.getuid() if hasattr(os, "getuid") else None

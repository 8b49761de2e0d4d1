"""Making a baseline of the managed files that are there, and holding the files to one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agent.app.looking import Target
from agent.catalog.rows import catalog
from agent.core.assess.managed import Ground, judge_managed
from agent.core.baseline.document import Baseline
from agent.core.baseline.record import DEPLOYED, record_of
from agent.core.documents import ManagedFileRow
from agent.core.observation import BaselineFile, ManagedLook
from agent.core.place import Data, Missing, Os, top_of
from agent.core.policy.provided import CLAUDE_CODE
from agent.host.files import RootedFiles
from agent.host.machine import Machine
from agent.ports import CannotStart
from agent.sources.managed import ManagedSource

_MODE = "0644"


@dataclass(frozen=True, slots=True)
class Term:
    """From when to when a baseline counts, and which ones count beside it. Times are Unix seconds."""

    serial: int
    issued: float
    expires: float | None = None
    holds_from: int | None = None


def create(target: Target, machine: Machine, term: Term, *, deployed: bool = False) -> Baseline:
    """Return a baseline of the managed files of `target` as they are now; `deployed`: with the owner and mode of a device.

    Raises:
        CannotStart: one of them cannot be read or parsed, or there is none at all.
    """
    system = target.os or machine.os
    look = _look(target, machine, system)
    there = [item for item in look.documents if item.kind in DEPLOYED and not isinstance(item.content, Missing)]
    records = [record for item in there if (record := record_of(item, posix=system != "windows")) is not None]
    if deployed and system != "windows":
        records = [replace(record, owner=0, mode=_MODE) for record in records]
    unsound = [item.path for item in there if not isinstance(item.content, Data)]
    unsound += [record.path for record in records if record.meaning is None]
    if unsound:
        raise CannotStart(f"no baseline can be made of files that no client can read: {', '.join(unsound)}")
    if not records:
        raise CannotStart(f"there are no managed files in {look.folder}")
    return Baseline(term.serial, term.issued, system, tuple(records), term.expires, term.holds_from)


def hold(target: Target, machine: Machine, file: BaselineFile, keys: Sequence[str], now: float) -> list[ManagedFileRow]:
    """Return the managed files of `target`, judged by the one baseline `file`."""
    system = target.os or machine.os
    look = ManagedLook("", _look(target, machine, system).documents, baselines=(file,))
    return list(judge_managed(look, (), Ground(system, tuple(keys), now=now)).rows)


def _look(target: Target, machine: Machine, system: Os) -> ManagedLook:
    root = target.root or Path(top_of(machine.os))
    (look,) = ManagedSource(RootedFiles(root, system), catalog()[CLAUDE_CODE]).look()
    return look

"""The live process table, through psutil. A sweep takes the pulse of every process and opens only those that changed.

Identity is pid and start time. A process is read again when its pulse changes (exec, new title, new parent) and while it is
young; its descriptors are read again while it or one of its children is. What one process does not tell costs that fact alone.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import psutil

from agent.core.observation import Process
from agent.host.process_reading import LiveReader, read_command, read_pulse, read_wires
from agent.host.pulse import Pulse
from agent.host.users import AccountNames
from agent.ports import TableView

YOUNG_S = 5.0
"""How long after its start a process is read at every sweep: programs change themselves by exec soon after fork."""


@dataclass(frozen=True, slots=True)
class _Record:
    pulse: Pulse
    process: Process
    young_until: float


class PsutilProcessTable:
    """The process table of this machine. One caller at a time.

    `marks` are the names of environment variables that are looked for, `moving` those whose paths are of interest; nothing else
    of an environment is kept.
    """

    def __init__(
        self,
        marks: Collection[str] = (),
        moving: Collection[str] = (),
        *,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._reader = LiveReader(marks, moving, AccountNames())
        self._monotonic = monotonic
        self._now = now
        self._records: dict[int, _Record] = {}
        self._all_seen = True

    def snapshot(self) -> TableView:
        """Return every process that runs a program, opening only those that are new, young or changed."""
        at = self._monotonic()
        records: dict[int, _Record] = {}
        opened: set[int] = set()
        pids = psutil.pids()
        for pid in pids:
            pulse = read_pulse(pid)
            if pulse is None or pulse.passed_over:
                continue
            known = self._records.get(pid)
            if known is not None and known.pulse == pulse and at >= known.young_until:
                records[pid] = known
                continue
            record = self._open(pid, pulse, known, at)
            if record is not None:
                records[pid] = record
                opened.add(pid)
        self._records = _still_there(_with_wires(records, opened), opened)
        self._all_seen = _sees_all(pids)
        return self._view()

    def update(self, seen: Collection[Process], gone: Collection[int]) -> TableView:
        """Return the last snapshot with these processes read anew, and their parents where the snapshot lacked them."""
        at = self._monotonic()
        records, opened = dict(self._records), set[int]()
        launched = {process.pid: process for process in seen}
        wanted = [*launched, *gone]
        while wanted:
            pid = wanted.pop()
            if pid in opened:
                continue
            pulse = read_pulse(pid)
            known = records.pop(pid, None)
            if pulse is None or pulse.passed_over:
                continue
            record = self._open(pid, pulse, known, at)
            if record is None:
                continue
            if pid in launched:
                record = replace(record, process=_untitled(record.process, launched[pid]))
            records[pid] = record
            opened.add(pid)
            if pulse.ppid and pulse.ppid not in records:
                wanted.append(pulse.ppid)
        self._records = _still_there(_with_wires(records, opened), opened)
        return self._view()

    def _view(self) -> TableView:
        return _view([record.process for record in self._records.values()], all_seen=self._all_seen)

    def _open(self, pid: int, pulse: Pulse, known: _Record | None, at: float) -> _Record | None:
        try:
            handle = psutil.Process(pid)
            with handle.oneshot():
                process = self._reader.facts(handle, pulse)
        except psutil.NoSuchProcess:  # ZombieProcess is one
            return None
        except (psutil.AccessDenied, OSError):
            process = Process(pid, pulse.started, pulse.ppid, pulse.name)
        if known is not None and known.pulse.started == pulse.started:
            # The start time is derived from the clock, and moves with it; the process is the same.
            process = _untitled(replace(process, create_time=known.process.create_time), known.process)
            return _Record(pulse, process, known.young_until)
        age = self._now() - process.create_time
        return _Record(pulse, process, at + min(YOUNG_S, max(0.0, YOUNG_S - age)))


def _untitled(process: Process, before: Process) -> Process:
    """Keep the command that was executed, where the process has only written another title over it since."""
    if process.image == 0 or process.image != before.image or not before.command:
        return process
    return replace(process, command=before.command)


def _with_wires(records: dict[int, _Record], opened: Collection[int]) -> dict[int, _Record]:
    """Read the descriptors of what was opened and of its parents, whose other ends they are."""
    parents = {records[pid].process.ppid for pid in opened}
    wanted = {pid for pid in (*opened, *parents) if pid is not None and pid in records}
    for pid, wires in read_wires(wanted).items():
        record = records[pid]
        records[pid] = replace(record, process=replace(record.process, wires=wires))
    return records


def _still_there(records: dict[int, _Record], opened: Collection[int]) -> dict[int, _Record]:
    """Leave out what has ended while it was read: what was read last of it may already be empty, and looks like an answer.

    A process that ends gives up its memory, and so its command line, before its descriptors; but its pulse last of all.
    """
    for pid in opened:
        if not read_command(pid) and _has_ended(pid, records[pid].process):
            del records[pid]
    return records


def _has_ended(pid: int, process: Process) -> bool:
    """Say whether a process without a command line is one that ends: it had one, or runs no program any more."""
    if process.command:
        return True
    pulse = read_pulse(pid)
    return pulse is None or pulse.passed_over


def _view(processes: Collection[Process], *, all_seen: bool) -> TableView:
    hidden = sum(process.command is None for process in processes)
    problem = None
    if hidden:
        problem = f"the command lines of {hidden} processes could not be read: run the agent as administrator"
    elif not all_seen:
        problem = "the system hides other users' processes (hidepid): run the agent as administrator"
    return TableView(tuple(processes), hidden, problem)


def _sees_all(pids: Collection[int]) -> bool:
    """On POSIX the first process always lives; where it does not show, /proc is mounted with hidepid."""
    return not psutil.POSIX or 1 in pids

"""The self-checks of `doctor`: one function each, in one table. A check that cannot run says so; it never counts as passed."""

import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agent.app.destinations import Destination, Unusable, destinations
from agent.app.far import https_sink
from agent.app.sender import Sender
from agent.catalog.rows import catalog
from agent.config.settings import Loaded
from agent.core.access import writers
from agent.core.observation import CoverageState
from agent.core.own_places import WRITERS_DROPIN
from agent.core.place import Missing, Unreadable, top_of
from agent.core.policy.provided import CLAUDE_CODE
from agent.core.wire import ENDPOINT
from agent.host.file_writers import file_writers
from agent.host.files import RootedFiles
from agent.host.machine import Machine, OwnPaths
from agent.host.own import own_facts, own_places
from agent.host.permissions import guards_of
from agent.host.process_events import process_events
from agent.host.processes import PsutilProcessTable
from agent.host.users import HomeUsers
from agent.host.watching import NativeWatcher
from agent.ports import NoEvents
from agent.runtime.clock import SystemClock
from agent.sources.hints import MAX_FOLDERS
from agent.sources.managed import ManagedSource, accounts_of
from agent.status.document import Fresh, read
from agent.status.helpdesk import span
from agent.status.public import FOLDER
from agent.status.word import Word, asking_uid, last_word, state_folders
from agent.store.journal import JOURNAL

_NOTIFICATION_S = 2.0
_SHOWN = 5
_REACH = "Check the address, the network, the proxy and the certificate."

_SECRETS = ("token_file", "hmac_key_file", "proxy_credential_file", "client_key_file")
"""Settings that name a file with a secret."""

State = Literal["ok", "failing", "not-run"]


@dataclass(frozen=True, slots=True)
class Result:
    """What one check found, and what to do if it did not pass."""

    name: str
    state: State
    text: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """What is looked at."""

    machine: Machine
    loaded: Loaded
    paths: OwnPaths
    files: RootedFiles


def diagnose(machine: Machine, loaded: Loaded, paths: OwnPaths) -> tuple[Result, ...]:
    """Run every check on this machine."""
    patient = Patient(machine, loaded, paths, RootedFiles(Path(top_of(machine.os)), machine.os))
    results = []
    theirs = _OF_THE_SERVICE if _serves_another(machine, paths) else ()
    for name, check in CHECKS.items():
        if name in theirs:
            continue
        try:
            state, text, remedy = check(patient)
        except Exception as error:  # noqa: BLE001 - a check that breaks must not hide the others, nor count as passed
            state, text, remedy = "not-run", f"the check itself failed: {type(error).__name__}", ""
        results.append(Result(name, state, text, remedy))
    if theirs:
        text = f"the agent is a service here: {', '.join(theirs)} are for administrators to look at"
        results.append(Result("the rest", "not-run", text, "Run `mcp-compliance doctor` as administrator."))
    return tuple(results)


_OF_THE_SERVICE = (
    "own files",
    "rights",
    "file writers",
    "processes",
    "launches",
    "journal",
    "credentials",
    "destinations",
)
"""What says something about the service only where it is asked with the service's rights."""


def _serves_another(machine: Machine, paths: OwnPaths) -> bool:
    """Say whether an ordinary user asks, of whom the agent of the system says something, and no agent of the user's own runs."""
    folders = state_folders(machine, paths.state)
    return len(folders) > 1 and not paths.state.exists() and last_word(folders[:1], time.time(), None).age_s is not None


_Found = tuple[State, str, str]


def _settings(patient: Patient) -> _Found:
    loaded = patient.loaded
    if loaded.problems:
        return (
            "failing",
            "; ".join(str(problem) for problem in loaded.problems),
            "Correct the settings; defaults are in force there.",
        )
    where = (
        ", ".join(str(file) for file in loaded.files) or f"none at {patient.paths.settings}: every default is in force"
    )
    return "ok", f"settings read from {where}" if loaded.files else where, ""


def _own_files(patient: Patient) -> _Found:
    facts = own_facts(own_places(patient.paths), patient.paths.state / FOLDER) if patient.machine.privileged else ()
    guard = guards_of(patient.files.root)
    guards = {item.path: found for item in facts if item.kind == "folder" and (found := guard(item)) is not None}
    exposed = writers(facts, guards, accounts_of(patient.files))
    if exposed:
        more = f"; and {len(exposed) - _SHOWN} more" if len(exposed) > _SHOWN else ""
        text = "; ".join(exposed[:_SHOWN]) + more
        return "failing", text, "Let nobody but administrators write the agent's program, settings and state."
    if not patient.machine.privileged:
        return (
            "not-run",
            "the agent runs without administrators' rights, so its files are its user's",
            "Run it as a service.",
        )
    return "ok", "nobody but administrators can change the agent's program, settings and state", ""


def _rights(patient: Patient) -> _Found:
    users = HomeUsers(patient.files).users()
    closed = [user.name for user in users if isinstance(patient.files.names(user.home), Unreadable)]
    if closed:
        return "failing", f"homes that cannot be read: {', '.join(closed)}", "Run the agent as root or administrator."
    return "ok", f"{_number(len(users), 'home')} can be read", ""


def _managed(patient: Patient) -> _Found:
    (look,) = ManagedSource(patient.files, catalog()[CLAUDE_CODE]).look()
    bad = [
        f"{row.scope}: {row.problem}"
        for row in look.coverage
        if not row.state.conclusive and row.state is not CoverageState.SKIPPED
    ]
    if bad:
        return "failing", "; ".join(bad), "Correct the managed files, and let everybody read them."
    there = sum(not isinstance(document.content, Missing) for document in look.documents)
    return "ok", f"{_number(there, 'managed file')} in {look.folder}", ""


def _processes(_patient: Patient) -> _Found:
    view = PsutilProcessTable().snapshot()
    if view.problem is not None:
        return "failing", view.problem, "Run the agent as root or administrator."
    return "ok", f"{len(view.processes)} processes can be seen", ""


def _writers(patient: Patient) -> _Found:
    why = _untold(patient)
    if why is not None:
        remedy = f"To be told who changes a managed file, let the service hear it: see {WRITERS_DROPIN}."
        return "not-run", why, remedy if patient.machine.os == "linux" else ""
    return "ok", "the system tells which process writes a managed file", ""


def _untold(patient: Patient) -> str | None:
    """Say why it is not told who writes: to the running agent, whose rights are others, where there is one; else to this one."""
    answer = read(patient.paths.state, time.time())
    if isinstance(answer, Fresh):
        rows = answer.document.get("health", ())
        return next((str(row["text"]) for row in rows if row["code"] == "writers.unnoticed"), None)
    found = file_writers()
    if isinstance(found, NoEvents):
        return found.reason
    with closing(found):
        deaf = found.aim(ManagedSource(patient.files, catalog()[CLAUDE_CODE]).folders()).deaf
    return "; ".join(f"in {folder}: {text}" for folder, text in deaf.items()) or None


def _launches(patient: Patient) -> _Found:
    found = process_events()
    if isinstance(found, NoEvents):
        state: State = "failing" if patient.machine.privileged and patient.machine.os == "linux" else "not-run"
        return (
            state,
            found.reason,
            "The timed sweep covers what lives long enough; on Linux run the agent as a service.",
        )
    with closing(found):
        return "ok", f"starting processes are told by the {found.name}", ""


def _notifications(patient: Patient) -> _Found:
    with tempfile.TemporaryDirectory() as folder, closing(NativeWatcher()) as watcher:
        watched = watcher.aim([folder])
        (Path(folder) / "probe").touch()
        if not watched or not watcher.wait(_NOTIFICATION_S):
            text = "a change in a watched folder was not told"
            return "failing", text, "The timed look covers it, later; on Linux raise fs.inotify.max_user_watches."
    return "ok", f"the system tells of changed files{_watches(patient)}", ""


def _watches(patient: Patient) -> str:
    """Say how many folders the running agent watches, where it can be known."""
    answer = read(patient.paths.state, time.time())
    counters = answer.document.get("counters", {}) if isinstance(answer, Fresh) else {}
    if "folders_watched" not in counters:
        return ""
    watched, more = counters["folders_watched"], counters.get("folders_unwatched", 0)
    left_out = f" and leaves {more} to the timed look" if more else ""
    return f"; the agent watches {_number(watched, 'folder')} (at most {MAX_FOLDERS}){left_out}"


def _catalog(_patient: Patient) -> _Found:
    rows = catalog().rows
    return "ok", f"{len(rows)} clients are known", ""


def _journal(patient: Patient) -> _Found:
    path = patient.paths.state / JOURNAL
    if not path.exists():
        return "not-run", f"there is no journal at {path} yet", "Start the agent once."
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        (waiting,) = connection.execute("SELECT count(*) FROM outbox").fetchone()
    if verdict != "ok":
        return (
            "failing",
            f"{path} is damaged: {verdict}",
            "Restart the agent: it sets the file aside and starts a new one.",
        )
    return "ok", f"{path} is sound; {_number(waiting, 'report')} waiting", ""


def _endpoint(patient: Patient) -> _Found:
    endpoint = patient.loaded.settings.endpoint
    if endpoint.url is None:
        return "ok", "no endpoint is configured: reports stay on this device", ""
    try:
        sink = https_sink(patient.loaded.settings, "doctor", SystemClock())
        problem = sink.probe()
    except (OSError, ValueError) as error:
        return (
            "failing",
            f"the endpoint's settings cannot be used: {error}",
            "Correct the section [endpoint] of the settings.",
        )
    if problem is not None:
        return "failing", problem, _REACH
    return "ok", f"{sink.way} answers, and its certificate is trusted", ""


def _credentials(patient: Patient) -> _Found:
    """Say which of the files that the settings name as secret can be read by others; where, never what is in them."""
    settings = patient.loaded.settings
    rows = [settings.endpoint, settings.network, *settings.destination]
    named = {getattr(row, key) for row in rows for key in _SECRETS if getattr(row, key, None) is not None}
    files = sorted(file for file in named if file != Path(file.name))
    if patient.machine.os == "windows":
        return "ok", f"{_number(len(named), 'credential')} in the settings, {len(files)} in files", ""
    missing = [f"{file} is not there" for file in files if not file.exists()]
    open_ = [f"{file} can be read by others" for file in files if file.exists() and file.stat().st_mode & 0o077]
    if missing or open_:
        return "failing", "; ".join(missing + open_), "Put it there for root alone: chown root:root and chmod 600."
    if not named:
        return "ok", "the settings name none", ""
    return "ok", f"{_number(len(named), 'credential')} in the settings, and no file of them can be read by others", ""


def _destinations(patient: Patient) -> _Found:
    settings = patient.loaded.settings
    found = list(destinations(settings, Sender(patient.paths.state, "doctor"), SystemClock()))
    bad = [item.text for item in found if isinstance(item, Unusable)]
    if bad:
        return "failing", " · ".join(bad), "Correct that section of the settings; nothing is sent there until then."
    sinks = [item.sink for item in found if isinstance(item, Destination)]
    away = [f"{sink.name}: {problem}" for sink in sinks if sink.name != ENDPOINT and (problem := sink.probe())]
    for sink in sinks:
        sink.close()
    if away:
        return "failing", " · ".join(away), _REACH
    return "ok", f"can be reached: {', '.join(sink.name for sink in sinks) or 'the journal alone'}", ""


def _running(patient: Patient) -> _Found:
    word = _word(patient.machine, patient.paths)
    if not word.alive or word.age_s is None:
        return "failing", word.why, ""  # which says what to do
    return "ok", f"the agent wrote its status {span(word.age_s)} ago", ""


def _word(machine: Machine, paths: OwnPaths) -> Word:
    return last_word(state_folders(machine, paths.state), time.time(), asking_uid())


def _number(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


CHECKS: dict[str, Callable[[Patient], _Found]] = {
    "settings": _settings,
    "own files": _own_files,
    "rights": _rights,
    "catalog": _catalog,
    "managed files": _managed,
    "file writers": _writers,
    "processes": _processes,
    "launches": _launches,
    "notifications": _notifications,
    "journal": _journal,
    "endpoint": _endpoint,
    "credentials": _credentials,
    "destinations": _destinations,
    "running agent": _running,
}
"""Every check by its name, in the order in which they are shown."""

"""Approved servers whose command yields something else than it says: another package, another version, an altered program.

The policy approves a command; what a command starts is decided by the machine. A wrapper of the launcher's name in PATH, a
package in the project's own `node_modules`, a script of a virtual environment that was edited: the command is the same, and what
runs is not. Told is only what can be shown; a program that was approved by its path, and was replaced there, shows by its digest
alone.

A name is approved for what administrators installed under it. Where there is such a program, and what runs lies in the user's
own folders, found first in `PATH` or led to by a link, the user decides what the approved command does. A copy, byte for byte,
is no other program, and noted (`agent.core.assess.notes`); of a script it is one, as an interpreter first loads what lies
beside it. Before both are hashed nothing is said, for a while; what was told before holds as long. A name under which nothing
is installed for all means whatever its user installed, and a path in the user's folders whatever stands there: approving those
is the organisation's choice. Interpreters and launchers are left out (their version managers stand before the system's on
purpose), as is what a package manager knows as one of its own: that is told by its package.
"""

import re
from collections.abc import Iterator, Sequence

from agent.core.artifact import PINNED, Artifact
from agent.core.assess.results import deviation, of_user
from agent.core.assess.running import SCOPE, JudgedRunning, shown, told_of
from agent.core.correspondence import compare
from agent.core.deviation import Deviation, Evidence, Key
from agent.core.launcher_tables import Kind
from agent.core.launchers import Launch, launch, parse_spec
from agent.core.observation import Process, Scope
from agent.core.redaction import redact_name, redact_subject
from agent.core.stores import npx_key
from agent.core.verdict import Answer

_BY_NAME = {Kind.NPM: re.compile(r"(@[^/@:]+/)?[^/@:.][^/:]*"), Kind.PYPI: re.compile(r"[^/\\:]+")}
"""What names a package of a registry, in each ecosystem that can be judged here."""

_EXACT_DOTS = 2
_CONTROL = "server.substituted"
_SHOWN = ("named", "instead_of", "instead_of_sha256", "owner")


def substituted_deviations(judged: Sequence[JudgedRunning]) -> Iterator[Deviation]:
    """Yield one deviation for each approved server of which another thing runs."""
    told: set[str] = set()
    for item in judged:
        running, why = item.running, _why(item)
        if why is None or item.subject in told:
            continue
        told.add(item.subject)
        worker, row = running.worker, item.artifact.row if item.artifact is not None else {}
        yield deviation(
            _CONTROL,
            subject=_subject(item),
            label=of_user(running.user, shown(running)),
            text=f"Its command is approved, but {why}",
            user=running.user,
            client=running.client,
            evidence=[
                *([_process(worker)] if worker is not None else []),
                *told_of(item.artifact),
                *(Evidence(name, row[name]) for name in _SHOWN if name in row),
            ],
            depends=(SCOPE, Scope("managed")),
        )


def undecided_substituted(judged: Sequence[JudgedRunning]) -> Iterator[Key]:
    """Yield the keys about which nothing can be said yet: what runs was not looked at, or is still to be hashed."""
    for item in judged:
        if item.verdict.answer is Answer.UNDETERMINED or item.artifact is None or not item.artifact.settled:
            yield Key(_CONTROL, redact_subject(_subject(item)))


def _subject(item: JudgedRunning) -> str:
    return f"{item.subject} running"


def _process(worker: Process) -> Evidence:
    return Evidence("process", redact_name(worker.name), pid=worker.pid, started_at=worker.create_time)


def _why(item: JudgedRunning) -> str | None:
    """Say how what runs differs from what was approved, None where it does not or that cannot be told."""
    server, artifact, worker = item.running.server, item.artifact, item.running.worker
    if item.verdict.answer is not Answer.ALLOWED:
        return None
    if artifact is not None and artifact.altered:
        return f"the program that runs is not as {artifact.purl} installed it (its RECORD has another digest)."
    configured = launch(server.command) if server is not None and server.command is not None else None
    if configured is not None and configured.kind is Kind.PROGRAM and artifact is not None:
        return None if artifact.copies is None else _users_own(configured, artifact)
    if configured is None or configured.kind not in _BY_NAME or configured.launcher is None or not configured.specs:
        return None
    if artifact is not None and artifact.purl is not None:
        return _other_package(configured, artifact)
    return None if worker is None else _other_program(configured, worker)


def _users_own(configured: Launch, artifact: Artifact) -> str | None:
    """Say where a program that its user can change stands for one that only administrators can."""
    instead = artifact.instead_of
    if instead is None or artifact.program is None or not (instead.by_link or configured.bare):
        return None
    path, program = redact_name(instead.path), redact_name(artifact.program)
    if instead.by_link:
        return f"{path} is a link to {program}, which its user can change."
    if copy_of_binary(artifact):
        return None
    same = ": the two are the same, but what lies beside a script is loaded first" if artifact.copies else ""
    return f"{program} runs, which its user can change, and stands before {path}, which only administrators can{same}."


def copy_of_binary(artifact: Artifact) -> bool:
    """Say whether a program of its user's is a copy of the one that administrators installed, and loads nothing beside it."""
    return bool(artifact.copies) and artifact.program == artifact.executable


def _other_package(configured: Launch, artifact: Artifact) -> str | None:
    if not all(_BY_NAME[configured.kind].fullmatch(spec) for spec in configured.specs):
        return None  # a folder, a file or a repository: what the package is called there cannot be told
    asked = dict(parse_spec(configured.kind, spec) for spec in configured.specs)
    same_kind = (artifact.purl or "").startswith(f"pkg:{configured.kind}/")
    if same_kind and artifact.package in asked:
        version = asked[artifact.package]
        if version is None or artifact.version is None or _may_be(version, artifact.version):
            return None
        return f"it names version {version} of {artifact.package}, and {artifact.version} runs."
    folder = f"/_npx/{npx_key(configured.specs)}/" if configured.kind is Kind.NPM else None
    if not same_kind or (folder is not None and folder in (artifact.program or "").replace("\\", "/")):
        return None  # a package that starts a program of another one, which it brought
    return f"it starts {configured.package}, and {artifact.purl} runs."


def _may_be(wanted: str, found: str) -> bool:
    """Say whether the version that was asked for can be this one: only three numbers and more are exact everywhere."""
    if not PINNED.fullmatch(wanted) or wanted.count(".") < _EXACT_DOTS:
        return True
    return _plain(wanted) == _plain(found)


def _plain(version: str) -> str:
    return re.sub(r"(\.0)+$", "", version.removeprefix("v").partition("+")[0])


def _other_program(configured: Launch, worker: Process) -> str | None:
    found = launch(worker.command or ())
    if found is None or found.kind in (Kind.INLINE, Kind.UNKNOWN) or found.passes_on or found.store is not None:
        return None
    if compare(configured, found) is not None or found.program == configured.program:
        return None
    return f"it starts {configured.package}, and what runs comes from no package that {configured.launcher} brings."

"""One case per client and system, made from the client's row: each of its files with two servers, and what is found.

The trees are made (`samples.py`), with a value for every variable that has no default; the expectations are recorded in
`catalog/<client>.json` and reviewed there: run this file as a program to record a new row, and read what it wrote. The clients
whose own files are known have cases in `clients/` too.
"""

import json
import tempfile
from pathlib import Path
from typing import get_args

import pytest

from agent.catalog.paths import expand
from agent.catalog.rows import VARIABLE, ClientRow, FileRow, catalog
from agent.core.observation import CoverageState
from agent.core.place import Os
from agent.core.server import Server
from agent.host.files import RootedFiles
from agent.host.users import HomeUsers
from agent.sources.configs import ConfigSource
from tests.golden.samples import content, memory
from tests.sim.looks import Habits

FOLDER = Path(__file__).parent / "catalog"
SYSTEMS: tuple[Os, ...] = get_args(Os)
HOMES: dict[Os, str] = {"linux": "/home/ann", "macos": "/Users/ann", "windows": "C:\\Users\\ann"}
ROWS = {row.id: row for row in catalog().rows}


def plant(row: ClientRow, os: Os, root: Path) -> list[tuple[str, FileRow]]:
    """Write each of the client's files below `root`; return their paths on the examined system, with their rows."""
    home, project = HOMES[os], HOMES[os] + ("\\work" if os == "windows" else "/work")
    local(root, os, project).mkdir(parents=True)
    for folder in expand(row, row.traces, os, home=home):
        local(root, os, folder).mkdir(parents=True, exist_ok=True)
    planted: list[tuple[str, FileRow]] = []
    for file in (file for file in row.file if file.shape is not None):
        for template in expand(row, file.path, os, home=home, project=project, environment=set_for(row, os)):
            path = template.replace("**", "a").replace("*", "x")
            place = local(root, os, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content(file))
            planted.append((path, file))
    return planted


def set_for(row: ClientRow, os: Os) -> dict[str, str]:
    """Return a value for each variable without a default: what it names is read only where it is set."""
    names = {match[1] for text in row.templates for match in VARIABLE.finditer(text) if not match[2]}
    return {name: f"{HOMES[os]}/moved/{name}" for name in sorted(names)}


def local(root: Path, os: Os, path: str) -> Path:
    return root / (path.removeprefix("C:").replace("\\", "/") if os == "windows" else path).lstrip("/")


def seen(row: ClientRow, os: Os, root: Path, planted: list[tuple[str, FileRow]]) -> dict[str, list[str]]:
    """Return what a look finds of that client, per file, after the kind of file that was planted there."""
    kinds: dict[str, list[str]] = {}
    for path, file in planted:
        form = " in ".join(filter(None, [file.format, file.wrap.format if file.wrap else "", file.query or ""]))
        kinds.setdefault(path, []).append(f"as {form}, {file.shape}{', shared' if file.shared else ''}")
    files = RootedFiles(root, os)
    project = HOMES[os] + ("\\work" if os == "windows" else "/work")
    habits = Habits([set_for(row, os)])
    (found,) = ConfigSource(files, HomeUsers(files, ["ann"]), catalog(), projects=[project], habits=habits).look()
    bad = {CoverageState.MALFORMED, CoverageState.UNREADABLE, CoverageState.TIMED_OUT}
    assert not [seen for seen in found.coverage if seen.scope.client == row.id and seen.state in bad]
    lines: dict[str, list[str]] = {}
    for server in (server for server in found.servers if server.client == row.id):
        lines.setdefault(server.place.path, []).append(line(server))
    return {path: [*kinds.get(path, []), *of_file] for path, of_file in lines.items()}


@pytest.mark.parametrize("os", SYSTEMS)
@pytest.mark.parametrize("client", sorted(row.id for row in ROWS.values() if row.projects))
def test_every_project_that_a_client_remembers_is_looked_at(client: str, os: Os, tmp_path: Path) -> None:
    recorded = json.loads((FOLDER / f"{client}.json").read_text("utf-8"))
    expected = {path: kinds for path, kinds in recorded[os].items() if path.startswith(_PROJECTS)}
    assert remembered(ROWS[client], os, tmp_path) == expected


def remembered(row: ClientRow, os: Os, root: Path) -> dict[str, list[str]]:
    """Let the client remember one project in each of its places; return those in which a look found it."""
    home = HOMES[os]
    local(root, os, home).mkdir(parents=True)
    files = RootedFiles(root, os)
    source = ConfigSource(files, HomeUsers(files, ["ann"]), catalog())
    found: dict[str, list[str]] = {}
    for number, place in enumerate(row.projects):
        for template in expand(row, place.path, os, home=home):
            path = template.replace("*", "x")
            project = f"{home}{'/' if os != 'windows' else chr(92)}p{number}"
            file = local(root, os, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(memory(place, project, os))
            (look,) = source.look()
            file.unlink()
            if project in look.projects:
                found.setdefault(_PROJECTS + path, []).append(f"{place.shape} at {place.pointer or place.query}")
    return found


_PROJECTS = "projects in "


def line(server: Server) -> str:
    what = " ".join(server.command) if server.command else server.url
    marks = (
        ("", " of the device")[server.user is None]
        + ("", " off")[server.disabled]
        + ("", " here")[server.project is not None]
    )
    return f"{server.scope} {server.name}: {server.transport} {what}{marks} at {server.place.pointer}"


@pytest.mark.parametrize("os", SYSTEMS)
@pytest.mark.parametrize("client", sorted(ROWS))
def test_every_file_of_a_client_is_found_and_read(client: str, os: Os, tmp_path: Path) -> None:
    row = ROWS[client]
    planted = plant(row, os, tmp_path)
    found = seen(row, os, tmp_path, planted)
    recorded = json.loads((FOLDER / f"{client}.json").read_text("utf-8"))
    assert found == {path: kinds for path, kinds in recorded[os].items() if not path.startswith(_PROJECTS)}
    unread = [path for path, file in planted if path not in found]
    overridden = [path for path, file in planted if file.unless]  # another file takes its place where both are there
    assert unread == overridden


def _record() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, row in ROWS.items():
        case: dict[str, dict[str, list[str]]] = {}
        for os in SYSTEMS:
            with tempfile.TemporaryDirectory() as folder:
                case[os] = seen(row, os, Path(folder), plant(row, os, Path(folder)))
            with tempfile.TemporaryDirectory() as folder:
                case[os] |= remembered(row, os, Path(folder))
        (FOLDER / f"{name}.json").write_text(json.dumps(case, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    _record()

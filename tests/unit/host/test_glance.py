"""A glance at a real tree: what was seen holds as long as nothing that it rests on was changed, however the change is hidden."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.core.basis import Basis
from agent.core.place import Data, Missing, Names, User
from agent.host.files import RootedFiles
from agent.host.limits import DEFAULT_LIMITS
from agent.host.mounts import Mounts
from agent.sources.reading import Visit

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")
ANN = User("ann", "/home/ann")
LATER_NS = 10_000_000_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for path, text in {"src/one/a.json": "old", "src/two/a.json": "old", "many/x": "", "aims/a.json": "aim"}.items():
        file = tmp_path / "home/ann" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (tmp_path / "home/ann/link").symlink_to("aims")
    return tmp_path


def seen(files: RootedFiles) -> Basis:
    """Read a file, a file behind a link, a file that is not there; list a folder."""
    visit = Visit(files, ANN)
    assert isinstance(visit.read("/home/ann/src/one/a.json"), Data)
    assert isinstance(visit.read("/home/ann/link/a.json"), Data)
    assert isinstance(visit.read("/home/ann/gone/deeper.json"), Missing)
    assert isinstance(visit.names("/home/ann/many"), Names)
    basis = visit.notes.footing.basis(time.time_ns() + LATER_NS)
    assert basis is not None
    return basis


def holds(files: RootedFiles, basis: Basis) -> bool:
    with files.glance() as glance:
        return glance.holds(basis)


def put_back(home: Path) -> None:
    file = home / "src/one/a.json"
    before = file.stat()
    file.write_text("new")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def replaced_by_rename(home: Path) -> None:
    new = home / "src/one/new"
    new.write_text("new")
    os.utime(new, ns=((home / "src/one/a.json").stat().st_mtime_ns,) * 2)
    new.rename(home / "src/one/a.json")


def folders_swapped(home: Path) -> None:
    (home / "src/one").rename(home / "src/three")
    (home / "src/two").rename(home / "src/one")


def folder_behind_a_link(home: Path) -> None:
    (home / "src").rename(home / "elsewhere")
    (home / "src").symlink_to("elsewhere")


def link_aimed_elsewhere(home: Path) -> None:
    (home / "link").unlink()
    (home / "link").symlink_to("src/one")


def name_in_a_listed_folder(home: Path) -> None:
    (home / "many/y").write_text("")


def name_gone_from_a_listed_folder(home: Path) -> None:
    (home / "many/x").unlink()


def what_was_not_there(home: Path) -> None:
    (home / "gone").mkdir()


def what_was_not_there_as_a_link(home: Path) -> None:
    (home / "gone").symlink_to("many")


def rights_of_a_folder_on_the_way(home: Path) -> None:
    (home / "src").chmod(0o700)


def rights_of_the_file(home: Path) -> None:
    (home / "src/one/a.json").chmod(0o600)


def file_gone(home: Path) -> None:
    (home / "src/one/a.json").unlink()


def folder_gone(home: Path) -> None:
    (home / "src").rename(home / "many/src")


@pytest.mark.parametrize(
    "change",
    [
        put_back,
        replaced_by_rename,
        folders_swapped,
        folder_behind_a_link,
        link_aimed_elsewhere,
        name_in_a_listed_folder,
        name_gone_from_a_listed_folder,
        what_was_not_there,
        what_was_not_there_as_a_link,
        rights_of_a_folder_on_the_way,
        rights_of_the_file,
        file_gone,
        folder_gone,
    ],
)
def test_no_change_stays_unseen(root: Path, change: Callable[[Path], None]) -> None:
    files = RootedFiles(root, "linux")
    basis = seen(files)
    assert holds(files, basis)
    change(root / "home/ann")
    assert not holds(files, basis)


def test_what_happens_beside_changes_nothing(root: Path) -> None:
    files = RootedFiles(root, "linux")
    basis = seen(files)
    (root / "home/ann/src/other").write_text("")  # in a folder that was only passed
    (root / "home/ann/else").mkdir()
    assert holds(files, basis)


def test_what_changed_a_moment_ago_is_not_trusted(root: Path) -> None:
    """Within one step of the file system's clock a file can change again without a trace."""
    visit = Visit(RootedFiles(root, "linux"), ANN)
    visit.read("/home/ann/src/one/a.json")
    assert visit.notes.footing.basis(time.time_ns()) is None


def test_a_mount_that_appeared_is_not_asked_and_nothing_holds(root: Path) -> None:
    table: dict[str, str] = {}
    files = RootedFiles(root, "linux", DEFAULT_LIMITS, Mounts(lambda: table))
    basis = seen(files)
    table[str(root / "home/ann/src")] = "nfs4"
    fresh = RootedFiles(root, "linux", DEFAULT_LIMITS, Mounts(lambda: table))
    assert not holds(fresh, basis)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors in /proc")
def test_every_folder_is_closed_again(root: Path) -> None:
    files = RootedFiles(root, "linux")
    basis = seen(files)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - only the number
    assert holds(files, basis)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


@pytest.mark.skipif(sys.platform == "darwin", reason="a system of the same kind")
def test_of_another_system_nothing_holds(root: Path) -> None:
    files = RootedFiles(root, "macos")
    assert not holds(files, seen(files))

"""Both watchers on real folders: what is noticed, what is not, and that a folder made anew is watched anew."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.host.watch import Change, FolderWatcher
from agent.host.watch_portable import WatchdogWatcher
from tests.sim.wine import WITHOUT_PENDING_DELETION

if sys.platform == "linux":
    from agent.host.watch_linux import InotifyWatcher

    WATCHERS: list[Callable[[], FolderWatcher]] = [InotifyWatcher, WatchdogWatcher]
else:
    WATCHERS = [WatchdogWatcher]
PATIENCE_S = 10.0


@pytest.fixture(params=WATCHERS, ids=lambda make: make.__name__)
def watcher(request: pytest.FixtureRequest) -> Iterator[FolderWatcher]:
    made = request.param()
    yield made
    made.close()


def seen(watcher: FolderWatcher, wanted: Change) -> bool:
    """Wait until `wanted` comes; other changes on the way do not matter."""
    for _ in range(50):
        changes = watcher.wait(PATIENCE_S)
        if wanted in changes:
            return True
        if not changes:
            return False
    return False


def test_a_file_that_is_written_made_replaced_or_removed_is_noticed_by_name(
    watcher: FolderWatcher, tmp_path: Path
) -> None:
    folder = str(tmp_path)
    assert watcher.aim([folder]) == {folder}
    (tmp_path / "new.json").write_text("{}")
    assert seen(watcher, (folder, "new.json"))
    (tmp_path / "other").write_text("{}")
    (tmp_path / "other").replace(tmp_path / "config.json")
    assert seen(watcher, (folder, "config.json"))
    (tmp_path / "config.json").unlink()
    assert seen(watcher, (folder, "config.json"))


def test_reading_and_listing_is_no_change(watcher: FolderWatcher, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    folder = str(tmp_path)
    watcher.aim([folder])
    while watcher.wait(0.2):
        pass
    (tmp_path / "config.json").read_text()
    list(tmp_path.iterdir())
    (tmp_path / "marker").touch()
    changes: set[Change] = set()
    while (folder, "marker") not in changes:
        changes |= watcher.wait(PATIENCE_S)
    assert {name for _, name in changes} <= {"marker", ""}


@WITHOUT_PENDING_DELETION
def test_a_folder_deleted_and_made_again_is_watched_again(watcher: FolderWatcher, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    watcher.aim([str(inner)])
    shutil.rmtree(inner)
    assert watcher.aim([str(inner)]) == frozenset()
    inner.mkdir()
    assert watcher.aim([str(inner)]) == {str(inner)}
    watcher.wait(0.0)
    (inner / "file").touch()
    assert seen(watcher, (str(inner), "file"))


def test_a_folder_replaced_by_another_is_watched_anew(watcher: FolderWatcher, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    watcher.aim([str(inner)])
    inner.rename(tmp_path / "old")
    inner.mkdir()
    assert watcher.aim([str(inner)]) == {str(inner)}
    (inner / "file").touch()
    assert seen(watcher, (str(inner), "file"))


def test_what_is_no_folder_is_not_watched(watcher: FolderWatcher, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert watcher.aim([str(tmp_path / "file" / "x"), str(tmp_path / "none")]) == frozenset()


def test_an_interrupt_ends_the_wait(watcher: FolderWatcher, tmp_path: Path) -> None:
    watcher.aim([str(tmp_path)])
    watcher.interrupt()
    assert watcher.wait(3600.0) == frozenset()


def test_watchdogs_dead_emitter_behind_a_living_observer_is_replaced(tmp_path: Path) -> None:
    watcher = WatchdogWatcher()
    try:
        folder = str(tmp_path)
        watcher.aim([folder])
        for emitter in list(watcher._emitters()):
            emitter.stop()
            emitter.join()
        assert watcher.aim([folder]) == {folder}
        (tmp_path / "file").touch()
        assert seen(watcher, (folder, "file"))
    finally:
        watcher.close()


def test_watchdogs_dead_dispatcher_is_replaced(tmp_path: Path) -> None:
    watcher = WatchdogWatcher()
    try:
        folder = str(tmp_path)
        watcher.aim([folder])
        watcher._observer.stop()
        watcher._observer.join()
        assert watcher.aim([folder]) == {folder}
        (tmp_path / "file").touch()
        assert seen(watcher, (folder, "file"))
    finally:
        watcher.close()

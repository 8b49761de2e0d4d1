"""From a changed name to the source that cares: also for what does not exist yet, and never for what does not matter."""

from collections.abc import Collection, Sequence
from pathlib import Path

import pytest

from agent.core.observation import Look
from agent.host.mounts import SYSTEM_MOUNTS, Mounts
from agent.host.watch import Change
from agent.ports import Wake
from agent.sources import hints
from agent.sources.hints import Hints
from tests.sim.clock import ManualClock


class Folders:
    """A `FolderWatcher` whose changes the test scripts; `refused` are folders that the system does not let us watch."""

    def __init__(self) -> None:
        self.aims: list[tuple[str, ...]] = []
        self.changes: list[set[Change]] = []
        self.refused: set[str] = set()

    def aim(self, folders: Collection[str]) -> frozenset[str]:
        self.aims.append(tuple(folders))
        return frozenset(folders) - self.refused

    def wait(self, timeout_s: float) -> frozenset[Change]:
        del timeout_s
        return frozenset(self.changes.pop(0) if self.changes else ())

    def interrupt(self) -> None:
        self.changes.append(set())

    def close(self) -> None:
        self.aims.clear()


class Paths:
    """A source that only says what it watches."""

    name = "paths"
    interval_s = 60.0

    def __init__(self, *paths: Path | str) -> None:
        self.paths: Sequence[str] = tuple(map(str, paths))

    def look(self) -> Sequence[Look]:
        return ()

    def watched(self) -> Sequence[str]:
        return self.paths


class Bench:
    """Hints over scripted folders, with one bit counter per source."""

    def __init__(self, *sources: Paths, limit: int = 100, mounts: Mounts = SYSTEM_MOUNTS) -> None:
        self.folders, self.clock, self.woken = Folders(), ManualClock(), [0] * len(sources)
        wakes = [self._wake(number) for number in range(len(sources))]
        self.hints = Hints(self.folders, list(zip(sources, wakes, strict=True)), self.clock, limit=limit, mounts=mounts)

    def _wake(self, number: int) -> Wake:
        def wake() -> None:
            self.woken[number] += 1

        return wake

    def turn(self, *changes: Change) -> list[int]:
        """Let these changes happen; return who was woken how often by them."""
        before = list(self.woken)
        self.folders.changes.insert(0, set(changes))
        self.hints.turn(0.0)
        return [after - earlier for after, earlier in zip(self.woken, before, strict=True)]


def test_only_the_names_that_a_source_cares_for_wake_it(tmp_path: Path) -> None:
    bench = Bench(Paths(tmp_path / "a.json"), Paths(tmp_path / "b.json"))
    assert bench.turn((str(tmp_path), "a.json")) == [1, 0]
    assert bench.turn((str(tmp_path), ".bash_history")) == [0, 0]
    assert bench.turn((str(tmp_path), "B.JSON")) == [0, 1]
    assert bench.folders.aims == [(str(tmp_path),)]


def test_a_path_ending_in_a_separator_means_any_name_in_the_folder(tmp_path: Path) -> None:
    bench = Bench(Paths(f"{tmp_path}/"))
    assert bench.turn((str(tmp_path), "whatever")) == [1]


def test_a_file_in_folders_that_do_not_exist_yet_is_followed_down_as_they_appear(tmp_path: Path) -> None:
    target = tmp_path / "one" / "two" / "config.json"
    bench = Bench(Paths(target))
    bench.turn()
    assert bench.folders.aims[-1] == (str(tmp_path),)
    target.parent.mkdir(parents=True)
    assert bench.turn((str(tmp_path), "one")) == [1]
    assert bench.turn() == [1], "what was written before the new folder was watched gave no event"
    assert bench.folders.aims[-1] == (str(target.parent),)
    assert bench.turn((str(target.parent), "config.json")) == [1]


def test_a_watched_folder_that_goes_wakes_and_is_aimed_at_again(tmp_path: Path) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    bench = Bench(Paths(folder / "config.json"))
    bench.turn()
    folder.rmdir()
    assert bench.turn((str(folder), "")) == [1]
    bench.turn()
    assert bench.folders.aims[-1] == (str(tmp_path),)


def test_new_paths_of_a_source_are_watched_at_the_next_turn_and_looked_at_once_more(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    source = Paths(tmp_path / "a.json")
    bench = Bench(source)
    bench.turn()
    source.paths = (*source.paths, str(tmp_path / "project" / ".mcp.json"))
    assert bench.turn() == [1]
    assert bench.folders.aims[-1] == (str(tmp_path), str(tmp_path / "project"))
    assert bench.turn() == [0]


def test_watches_are_checked_again_after_a_while_without_any_event(tmp_path: Path) -> None:
    bench = Bench(Paths(tmp_path / "a.json"))
    bench.turn()
    bench.turn()
    assert len(bench.folders.aims) == 1
    bench.clock.pass_s(31.0)
    bench.turn()
    assert len(bench.folders.aims) == 2


def test_the_number_of_folders_is_bounded_and_what_is_left_out_is_counted(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(5)]
    for folder in folders:
        folder.mkdir()
    bench = Bench(Paths(*(folder / "x" for folder in folders)), limit=3)
    bench.folders.refused = {str(folders[0])}
    bench.turn()
    assert len(bench.folders.aims[-1]) == 3
    assert (bench.hints.health.watched, bench.hints.health.unwatched) == (2, 3)


def test_checking_the_watches_again_asks_no_folder_whether_it_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(Paths(tmp_path / "a.json"))
    bench.turn()
    asked: list[str] = []
    monkeypatch.setattr(hints, "is_local_folder", asked.append)
    bench.clock.pass_s(31.0)
    bench.turn()
    assert len(bench.folders.aims) == 2
    assert asked == []


def test_a_mount_that_appears_has_everything_planned_anew(tmp_path: Path) -> None:
    table: dict[str, str] = {}
    mounts = Mounts(lambda: table)
    bench = Bench(Paths(tmp_path / "home/a.json"), mounts=mounts)
    bench.turn()
    table["/elsewhere"] = "nfs4"
    mounts.forget()
    bench.turn()
    assert len(bench.folders.aims) == 2

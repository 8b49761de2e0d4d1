"""The figures of the status, and what doctor makes of them."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from agent.app.diagnosis import diagnose
from agent.app.figures import Figures
from agent.config.settings import Loaded, Settings
from agent.host.machine import Machine, OwnPaths
from agent.ports import StoreError
from agent.sources.hints import MAX_FOLDERS, HintsHealth
from agent.sources.launches import Launches
from agent.status.document import write
from agent.store.journal import Journal


@dataclass
class _Broken:
    """A journal that cannot be read."""

    def open_deviations(self) -> None:
        raise StoreError

    counters = open_deviations


COUNTS = cast("Launches", SimpleNamespace(counts=SimpleNamespace(started=7, missed=2, unjudged=1, overruns=0)))


def test_what_is_watched_is_counted_and_a_broken_journal_gives_empty_figures() -> None:
    figures = Figures(cast("Journal", _Broken()), (), COUNTS, lambda: HintsHealth(12, 3))
    assert figures.counters() == {
        "launches": 7,
        "launches_missed": 2,
        "launches_unjudged": 1,
        "launch_overruns": 0,
        "folders_watched": 12,
        "folders_unwatched": 3,
    }
    assert (figures.opened(), figures.delivery(), figures.dropped()) == ((), (), {})


@pytest.mark.parametrize(("unwatched", "more"), [(0, ""), (3, " and leaves 3 to the timed look")])
def test_doctor_says_how_many_folders_the_running_agent_watches(tmp_path: Path, unwatched: int, more: str) -> None:
    now = time.time()
    counters = {"folders_watched": 12, "folders_unwatched": unwatched}
    status = {"written_at": now, "stale_after_s": 300, "schema": "mcp-compliance/status/1", "counters": counters}
    write(tmp_path, json.dumps(status).encode())
    machine = Machine("linux", "x", "host", privileged=False)
    results = diagnose(machine, Loaded(Settings()), OwnPaths(tmp_path / "agent.toml", tmp_path))
    (text,) = (result.text for result in results if result.name == "notifications")
    assert text.endswith(f"; the agent watches 12 folders (at most {MAX_FOLDERS}){more}")

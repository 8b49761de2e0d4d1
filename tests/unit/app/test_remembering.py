"""What of running servers outlasts the agent itself."""

from dataclasses import replace
from pathlib import Path

from agent.app.remembering import RememberingServers, known_before
from agent.core.assess import assess
from agent.core.recognition import Before
from agent.core.world import World
from agent.store.running import NAME
from tests.sim.worlds import LOCKED, TERMS, configs, managed, running, server

COMMAND = ("npx", "-y", "x-mcp", "--token=hunter2hunter2")
WORLD = World(configs(server("x", *COMMAND, client="cursor")), managed(LOCKED), running("cursor", *COMMAND))


def test_servers_are_known_again_after_a_start_and_no_word_of_their_commands_is_kept(tmp_path: Path) -> None:
    first = RememberingServers(tmp_path)
    first.keep()
    assert not (tmp_path / NAME).exists()
    first.before = assess(WORLD, TERMS, now=100.0)[0].before
    first.keep()
    text = (tmp_path / NAME).read_text()
    assert "hunter2" not in text
    assert "x-mcp" not in text.replace("(x-mcp)", "")
    assert len(known_before(tmp_path).before.traces) == 1
    second = RememberingServers(tmp_path)
    second.keep()  # before anything was judged: what was kept stays
    assert len(second.before.traces) == 1
    assert (tmp_path / NAME).read_text() == text
    second.before = Before()
    second.keep()
    assert RememberingServers(tmp_path).before.traces == ()


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    servers = RememberingServers(tmp_path / "gone")
    servers.before = assess(replace(WORLD), TERMS, now=100.0)[0].before
    servers.keep()
    assert known_before(tmp_path / "gone").before.traces == ()

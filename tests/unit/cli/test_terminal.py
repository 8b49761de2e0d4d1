"""A terminal gets colour and tables, a pipe plain lines; what a server is called forges neither."""

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from agent.core.deviation import Severity
from agent.core.documents import ConditionRow, StatusDocument
from agent.status.document import write
from tests.sim.statuses import deviation, status

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")

ROOT = Path(__file__).parents[3]
COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-9][0-9;]*m")
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
MAIN = "from agent.cli.main import main; status = main(sys.argv[1:])"


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """An agent that has just spoken, of a server whose name wants to be more than a name."""
    state = tmp_path / "state"
    state.mkdir()
    forged = replace(
        deviation("server.denied.running"), subject="ann: npx \x1b[31mred\nStands    COMPLIANT [bold]x[/bold]"
    )
    document = status("deviating", forged, deviation("server.unpinned"), written_at=time.time() - 5)
    write(state, TypeAdapter(StatusDocument).dump_json(document))
    (tmp_path / "agent.toml").write_text(f"state_folder = {json.dumps(str(state))}\n")
    return tmp_path / "agent.toml"


def environment(**given: str) -> dict[str, str]:
    return {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLUMNS": "100", **given}


def on_terminal(*argv: str, **given: str) -> str:
    """Run a verb on a terminal of its own; return all that it wrote there."""
    ours, theirs = os.openpty()
    command = [sys.executable, "-c", f"import sys; {MAIN}; sys.exit(status)", *argv]
    running = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment(**given), cwd=ROOT)
    os.close(theirs)
    text = "".join(_read(ours))
    os.close(ours)
    assert running.wait(30) in (0, 1, 2)
    return text


def _read(descriptor: int) -> Iterator[str]:
    with contextlib.suppress(OSError):  # Linux says EIO where the other end is gone
        while raw := os.read(descriptor, 65_536):
            yield raw.decode()


def in_pipe(*argv: str) -> tuple[str, str]:
    """Run a verb into a pipe; return what it wrote, and whether it loaded what only a terminal needs."""
    command = [sys.executable, "-c", f"import sys; {MAIN}; print('rich' in sys.modules, file=sys.stderr)", *argv]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), cwd=ROOT, timeout=60, check=True)
    return done.stdout, done.stderr.splitlines()[-1]


def test_the_status_on_a_terminal_is_in_colour_and_fits_its_width(settings: Path) -> None:
    shown = on_terminal("status", "--settings", str(settings))
    assert re.search(r"\x1b\[1;31mDEVIATING", shown)
    plain = [ESCAPE.sub("", line) for line in shown.splitlines()]
    assert max(map(len, plain)) <= 100
    labels = [line.split()[0] for line in plain if line[:1].strip()]
    assert labels == ["Device", "Stands", "Why", "Since", "Policy", "Open", "Tell", "IT", "Looked", "Reports"]


def test_details_on_a_terminal_are_tables_and_no_name_forges_a_colour_or_markup(settings: Path) -> None:
    shown = on_terminal("status", "--details", "--settings", str(settings), COLUMNS="200")
    assert "\x1b[31mred" not in shown
    text = " ".join(ESCAPE.sub("", shown).split())
    assert "severity control since what, and what to do" in text
    assert "[bold]x[/bold]" in text
    assert "server.unpinned" in text


def test_no_color_is_honoured(settings: Path) -> None:
    assert COLOUR.search(on_terminal("status", "--settings", str(settings), NO_COLOR="1")) is None


def test_a_dumb_terminal_gets_plain_lines(settings: Path) -> None:
    assert "\x1b" not in on_terminal("status", "--settings", str(settings), TERM="dumb")


@pytest.mark.parametrize("verb", ["status", "doctor", "check", "history"])
def test_a_pipe_gets_plain_lines_and_pays_for_nothing_else(settings: Path, verb: str) -> None:
    limits = ["--root", str(settings.parent)] if verb == "check" else []
    said, loaded = in_pipe(verb, "--settings", str(settings), *limits)
    assert "\x1b" not in said
    assert loaded == "False"


def test_doctor_on_a_terminal_is_a_table_of_every_check(settings: Path) -> None:
    text = ESCAPE.sub("", on_terminal("doctor", "--settings", str(settings), COLUMNS="200"))
    for name in ("settings", "own files", "processes", "notifications", "journal", "endpoint", "running agent"):
        assert re.search(rf"^ *(ok|FAILING|could not run) +{name} ", text, re.MULTILINE), text


def test_the_daemon_never_loads_it() -> None:
    code = "import sys, agent.cli.run, agent.app.daemon; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment(), check=False).returncode == 0


def test_a_condition_that_only_a_newer_agent_knows_keeps_its_text(tmp_path: Path) -> None:
    newer = ConditionRow("later.found", Severity.LOW, "The moon is full.", 1.0)
    document = replace(status("compliant", written_at=time.time() - 5), health=(newer,))
    write(tmp_path, TypeAdapter(StatusDocument).dump_json(document))
    (tmp_path / "agent.toml").write_text(f"state_folder = {json.dumps(str(tmp_path))}\n")
    shown, _ = in_pipe("status", "--details", "--settings", str(tmp_path / "agent.toml"))
    assert "later.found  The moon is full." in shown

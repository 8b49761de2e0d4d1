"""`status` asked by people who are no administrators: real processes of another uid, on files as the daemon leaves them.

The program may lie where other users cannot read it: it asks once as root, and so has loaded everything, and then as the user.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from agent.core.documents import StatusDocument
from agent.core.public import public_document, user_document
from agent.status.document import write
from agent.status.public import write_public
from tests.sim.statuses import SECRET, deviation, status

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="only root can ask as somebody else"
)

ROOT = Path(__file__).parents[3]
ANN, BOB = 61_001, 61_002
LOADED = "import contextlib, io, os, sys, agent.cli.main, agent.cli.status"
DROPPED = "os.setgroups([]); os.setresgid(uid, uid, uid); os.setresuid(uid, uid, uid)"


@pytest.fixture
def settings() -> Iterator[Path]:
    """What a daemon of root's has just written, in a folder that everybody can pass."""
    with tempfile.TemporaryDirectory(prefix="mcp-compliance-") as folder:
        Path(folder).chmod(0o755)
        state = Path(folder, "state")
        state.mkdir(mode=0o700)
        found = (deviation("server.denied.running", "ann"), deviation("policy.missing", None))
        document = status("deviating", *found, written_at=time.time() - 3)
        write(state, TypeAdapter(StatusDocument).dump_json(document))
        users = {uid: _json(user_document(document, name)) for name, uid in (("ann", ANN), ("bob", BOB))}
        write_public(state, _json(public_document(document)), users)
        file = Path(folder, "agent.toml")
        file.write_text(f"state_folder = {json.dumps(str(state))}\n")
        file.chmod(0o644)
        yield file


def _json(document: Any) -> bytes:  # noqa: ANN401 - any published document
    return TypeAdapter[Any](type(document)).dump_json(document)


def asked(settings: Path, uid: int, *argv: str) -> tuple[int, str]:
    """Ask for the status as `uid`, without any group of ours; return the exit status and what was said."""
    ask = f"agent.cli.main.main({['status', '--settings', str(settings), *argv]!r})"
    return as_user(uid, f"sys.exit({ask})", f"with contextlib.redirect_stdout(io.StringIO()): {ask}")


def as_user(uid: int, code: str, before: str = "pass") -> tuple[int, str]:
    """Run `before` with our rights, and `code` with those of `uid` alone."""
    whole = "\n".join((LOADED, before, f"uid = {uid}; {DROPPED}", code))
    environment = {"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/nonexistent", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", whole],
        capture_output=True,
        text=True,
        env=environment,
        cwd="/",
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_user_sees_how_the_device_stands_and_the_own_servers(settings: Path) -> None:
    exit_status, said = asked(settings, ANN, "--details")
    assert exit_status == 1
    assert "DEVIATING" in said
    assert SECRET in said
    assert "Tell user" in said


def test_another_user_sees_how_the_device_stands_and_nothing_of_anybody_else(settings: Path) -> None:
    for form in (("--details",), ("--format", "json"), ("--format", "jamf"), ("--format", "intune")):
        _, said = asked(settings, 61_003, *form)
        assert "deviating" in said.lower(), said
        assert SECRET not in said
        assert "ann:" not in said


def test_a_user_s_own_part_is_closed_to_the_others(settings: Path) -> None:
    document = json.loads(asked(settings, BOB, "--format", "json")[1])
    assert [row["user"] for row in document["check"]["servers"]] == ["bob"]
    own = settings.parent / "state" / "public" / "users"
    for path in (settings.parent / "state" / "status.json", own / f"{ANN}.json", own, settings.parent / "state"):
        code = f"p = {str(path)!r}; os.listdir(p) if os.path.isdir(p) else open(p)"
        exit_status, said = as_user(BOB, code)
        assert (exit_status, "PermissionError" in said) == (1, True), path


def test_history_is_for_administrators_and_says_so(settings: Path) -> None:
    (settings.parent / "state" / "journal.sqlite3").write_bytes(b"")
    (settings.parent / "state" / "journal.sqlite3").chmod(0o600)
    exit_status, said = asked(settings, ANN, "--since", "7d")
    assert exit_status == 2
    assert "Only administrators may read it" in said

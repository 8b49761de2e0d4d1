"""schemathesis on the running central endpoint: what its own description allows, forbids and leaves out, over real HTTP."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.machine import CHECKOUT
from tests.sim.deviations import findings
from tests.sim.reporter import Reporter
from tests.sim.serving import Served, serving

pytestmark = pytest.mark.e2e

PROGRAM = CHECKOUT / ".venv" / "e2e" / "bin" / "schemathesis"
SCOPES = ("read", "feed", "private", "look", "comment", "handle", "suppress", "preview", "audit")
LONGEST_S = 240.0


def token(served: Served) -> str:
    scopes = [word for scope in SCOPES for word in ("--scope", scope)]
    entry = "from central.cli.main import entry; entry()"
    file = str(served.state / "central.toml")
    command = [sys.executable, "-c", entry, "--settings", file, "token", "make", "schemathesis", *scopes]
    made = subprocess.run(command, check=True, capture_output=True, text=True, cwd=CHECKOUT)
    return made.stdout.strip()


def run(served: Served, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    document = str(CHECKOUT / "docs" / "central-openapi.json")
    common = ["--phases", "coverage,fuzzing", "--max-examples", "20", "--seed", "1", "--continue-on-failure"]
    hooks = {**os.environ, "SCHEMATHESIS_HOOKS": str(Path(__file__).with_name("api_hooks.py"))}
    command = [str(PROGRAM), "run", document, "--url", served.url, *common, *words]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, env=hooks, cwd=folder, timeout=LONGEST_S
    )


def test_the_api_does_what_its_description_says(tmp_path: Path) -> None:
    laptop = Reporter(tmp_path)
    laptop.now = time.time()
    with serving(tmp_path / "central") as served:
        served.admits(laptop)
        laptop.beats()
        laptop.finds(findings(["a", "b"]))
        served.takes(laptop)
        # blanks around a text are dropped before it is measured, which no schema can say
        blanks = ("--exclude-checks", "positive_data_acceptance")
        asked = run(served, tmp_path, "--header", f"Authorization: Bearer {token(served)}", *blanks)
        device = ("--header", f"Authorization: Bearer {laptop.credential}", "--header", f"X-Device-Id: {laptop.id}")
        # a description cannot say which texts are lines of events; and one bad line is dropped, the batch taken
        beyond = ("--exclude-checks", "positive_data_acceptance,negative_data_rejection")
        reported = run(served, tmp_path, "--include-path", "/v1/events", *device, *beyond)
        log = served.log
    for done in (asked, reported):
        assert done.returncode == 0, done.stdout[-20_000:] + log[-5_000:]
        assert " passed" in done.stdout
    assert "Traceback" not in log

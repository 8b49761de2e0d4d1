"""Canaries from end to end: none shows in any byte that a look at a machine prints, whatever is asked."""

import json
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from agent.cli.main import main
from tests.canaries.planting import plant
from tests.sim.canaries import Canaries


@pytest.fixture(scope="module")
def canaries() -> Canaries:
    return Canaries()


@pytest.fixture(scope="module")
def root(canaries: Canaries, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("machine")
    plant(folder, canaries)
    return folder


@pytest.fixture(scope="module")
def looked(root: Path) -> tuple[str, str]:
    """What `check --json` prints, and what it says besides."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        main(("check", "--json", "--root", str(root)))
    return out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def servers(looked: tuple[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(looked[0])["servers"]
    return found


def said(capfd: pytest.CaptureFixture[str], *argv: str) -> str:
    main(argv)
    out, err = capfd.readouterr()
    return out + err


def test_hundreds_were_planted_and_the_entries_are_read(canaries: Canaries, servers: list[dict[str, Any]]) -> None:
    assert len(canaries.planted) > 700
    assert {row["client"] for row in servers} >= {"claude-code", "cursor", "vscode", "codex", "continue"}
    assert len(servers) > 700


def test_check_shows_none(
    root: Path, canaries: Canaries, looked: tuple[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert canaries.found_in("".join(looked)) == {}
    assert canaries.found_in(said(capfd, "check", "--root", str(root))) == {}


def test_explain_shows_none(
    root: Path, canaries: Canaries, servers: list[dict[str, Any]], capfd: pytest.CaptureFixture[str]
) -> None:
    named = [row["key"] for row in servers if "***" in row["name"] or "***" in row["source"]["path"]]
    assert len(named) > 1
    for form in ([], ["--json"]):
        for name in ("env", "no such server", named[0], named[-1]):
            assert canaries.found_in(said(capfd, "explain", name, "--root", str(root), *form)) == {}


@pytest.mark.parametrize("form", ["text", "json", "sarif"])
def test_lint_shows_none(root: Path, canaries: Canaries, capfd: pytest.CaptureFixture[str], form: str) -> None:
    text = said(capfd, "policy", "lint", str(root / "etc/claude-code/managed-settings.json"), "--format", form)
    assert canaries.found_in(text) == {}

"""The same recordings through the front door: a real tree, `mcp-compliance check --root`, and its document.

The long tables of URLs and commands are left to the engine's own test; what matters here is everything that stands between the
files and the engine. Left out as well are the cases that only a command line makes (`--mcp-config`, plugins, flags) and the one
that moves the configuration by `CLAUDE_CONFIG_DIR`: `check` looks at files.
"""

import json
from pathlib import Path

import pytest

from agent.cli.main import main
from tests.differential.recorded import HOME, Case, cases, folder, planted, write
from tests.sim.files import Tree

UID = 54_321  # nobody's: the files belong to whoever runs the tests, so that the user of a case never owns them
TABLES = ("A", "B")


def _through_files(case: Case) -> bool:
    given = set(case.get("servers", {})) & {"cli", "plugin"}
    return not (
        case["id"].startswith(TABLES) or case.get("args") or given or "CLAUDE_CONFIG_DIR" in case.get("env", {})
    )


CASES = [case for case in cases() if _through_files(case)]


def test_most_of_the_cases_about_files_are_here() -> None:
    assert len(CASES) > 170


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_check_says_what_the_client_loads(case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _write(planted(case), tmp_path, UID if case.get("uid") else 0)
    cwd = folder(case)
    arguments = ["check", "--json", "--root", str(tmp_path), "--os", "linux", "--user", "ann", "--project", cwd]
    arguments += ["--client-version", "2.1.330", "--client-env-complete", "--client-env", f"HOME={HOME}"]
    for name, value in case.get("env", {}).items():
        arguments += ["--client-env", f"{name}={value}"]
    main(arguments)
    rows = json.loads(capsys.readouterr().out)["servers"]
    said = {name: _loads(rows, name, cwd) for name in case["verdicts"]}
    assert said == {name: verdict == "allowed" for name, verdict in case["verdicts"].items()}, case["note"]


def _loads(rows: list[Case], name: str, cwd: str) -> bool | None:
    """Say whether any server of this name loads in `cwd`: a row for that folder counts before the row for everywhere."""
    found: dict[tuple[str, str], Case] = {}
    for row in rows:
        if row["client"] == "claude-code" and row["name"] == name and row["project"] in (None, cwd):
            key = (row["source"]["path"], row["source"]["pointer"])
            if key not in found or row["project"] == cwd:
                found[key] = row
    loads = [row["loads"] for row in found.values()]
    return True if True in loads else (None if None in loads else False)


def _write(tree: Tree, root: Path, uid: int) -> None:
    """Put the simulated tree on the disk, with an account for ann."""
    (root / "etc").mkdir()
    (root / "etc/passwd").write_text(f"ann:x:{uid}:{uid}::{HOME}:/bin/sh\n")
    write(tree, root)
    root.chmod(0o755)

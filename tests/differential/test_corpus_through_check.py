"""The same recordings through the front door: a real tree, `mcp-compliance check --root`, and its document.

The long tables of URLs and commands are left to the engine's own test; what matters here is everything that stands between the
files and the engine. Left out as well are the cases that only a command line makes (`--mcp-config`, plugins, flags) and the one
that moves the configuration by `CLAUDE_CONFIG_DIR`: `check` looks at files.
"""

import json
import os
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


OF_FILES = {
    f"managed-file.{what}" for what in ("missing", "unreadable", "malformed", "exposed", "misplaced", "modified")
} | {
    "policy.client-refuses",
    "policy.not-effective",
    "policy.missing",
}
MALFORMED, UNREADABLE = "managed-file.malformed", "managed-file.unreadable"
EXPOSED, MISPLACED, MISSING = "managed-file.exposed", "managed-file.misplaced", "managed-file.missing"
REFUSES, NO_EFFECT, NO_POLICY = "policy.client-refuses", "policy.not-effective", "policy.missing"
CONTROLS: dict[str, set[str]] = {
    **{key: {MALFORMED, REFUSES} for key in ("E11-base-bad-d-ok", "E12-base-bad", "E15-base-arr", "E15-base-null")},
    **{key: {MALFORMED, REFUSES} for key in ("E15d-dropin-null", "E15d-dropin-str", "E15d-dropin-num", "E15-base-str")},
    **{key: {MALFORMED, REFUSES} for key in ("E18-comment-block", "EA6-badjson-apikey", "EA8-big")},
    **{key: {UNREADABLE, REFUSES} for key in ("EA5-isdir-apikey", "EA12-selfloop")},
    "EA13-notdir": {UNREADABLE, REFUSES, EXPOSED},  # a link out of the folder, to a file in place of a folder
    **{
        key: {UNREADABLE}
        for key in ("EA2-dunreadable-apikey", "EA3-dropinunreadable-apikey", "EA4-mmunreadable-apikey")
    },
    "E91-fifo-mm": {UNREADABLE},
    "EA15-mmdevnull": {UNREADABLE, EXPOSED},
    **{key: {MALFORMED} for key in ("D100-mm-emptyobj", "D103-mm-ws", "D107-mm-string", "D108-mm-mapnull")},
    **{key: {MALFORMED} for key in ("D113-mm-comment", "D119-mm-utf16")},
    **{key: {EXPOSED} for key in ("E80-worldwrite", "E81-dirworldwrite", "E94-mm-worldwrite")},
    **{key: {EXPOSED} for key in ("E87-d-symdir", "E88-d-symfile", "E93-mm-symlink")},
    "E92-mm-symdangling": {MISSING, NO_POLICY},
    "E08-d-name-x.jsonc": {MISPLACED, NO_POLICY},
    "E08-d-name-x.json.bak": {NO_POLICY},
    "E14-base-empty": {NO_POLICY, NO_EFFECT},
    "E13b-d-ws": {NO_EFFECT},
    **{key: set() for key in ("E20-dupkeys", "E21-utf16", "EA16-many", "D120-mm-badutf8")},
}
"""What is to be told of broken, unreadable, linked, oversized, misplaced and empty files: exactly that, of these controls."""


def test_every_case_with_a_control_of_its_own_is_looked_at() -> None:
    assert CONTROLS.keys() <= {case["id"] for case in CASES}


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
    document = json.loads(capsys.readouterr().out)
    said = {name: _loads(document["servers"], name, cwd) for name in case["verdicts"]}
    assert said == {name: verdict == "allowed" for name, verdict in case["verdicts"].items()}, case["note"]
    told = {row["control"] for row in document["deviations"]} & OF_FILES
    own = {EXPOSED} if os.geteuid() else set[str]()  # the files of whoever runs this are exposed to that user
    assert told | own == CONTROLS.get(case["id"], told) | own, case["note"]


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

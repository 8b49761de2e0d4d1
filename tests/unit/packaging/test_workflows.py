"""The hosted CI: workflows as GitHub publishes their form, every action pinned to a commit, no right that is not needed."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[3]
FILES = sorted((CHECKOUT / ".github/workflows").glob("*.yml"))
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*")

every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
elsewhere = pytest.mark.skipif(sys.platform == "win32", reason="the tools are not installed there")


def workflow(file: Path) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(file.read_text())
    return found


def tool(name: str, *arguments: str | Path, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    command = [str(Path(sys.executable).parent / name), *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True, input=stdin)


@every_file
def test_there_is_a_job_for_each_of_the_three_systems(file: Path) -> None:
    assert {job["runs-on"].partition("-")[0] for job in workflow(file)["jobs"].values()} == {
        "ubuntu",
        "macos",
        "windows",
    }


@elsewhere
@every_file
def test_it_has_the_form_that_github_publishes(file: Path) -> None:
    done = tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows", file)
    assert done.returncode == 0, done.stdout


@elsewhere
@every_file
def test_an_auditor_of_workflows_finds_nothing(file: Path) -> None:
    done = tool("zizmor", "--offline", "--no-config", "--no-progress", file)
    assert done.returncode == 0, done.stdout
    assert "No findings" in done.stdout


@elsewhere
def test_both_would_find_something(tmp_path: Path) -> None:
    careless = tmp_path / ".github/workflows/careless.yml"
    careless.parent.mkdir(parents=True)
    careless.write_text(
        "on: pull_request_target\njobs:\n  one:\n    runs-on: ubuntu-24.04\n    timeout: 3\n    steps:\n"
        '      - uses: actions/checkout@v4\n      - run: echo "${{ github.event.pull_request.title }}"\n'
    )
    found = tool("zizmor", "--offline", "--no-config", "--no-progress", careless).stdout
    for audit in ("dangerous-triggers", "unpinned-uses", "template-injection", "excessive-permissions"):
        assert f"[{audit}]" in found
    assert tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows", careless).returncode != 0


@elsewhere
@every_file
def test_shellcheck_finds_nothing_in_what_it_runs(file: Path) -> None:
    for name, job in workflow(file)["jobs"].items():
        if job["runs-on"].startswith("windows"):
            continue  # PowerShell
        for step in job["steps"]:
            done = tool("shellcheck", "--shell=bash", "-", stdin=step.get("run", "true") + "\n")
            assert done.returncode == 0, f"{name}: {done.stdout}"


@every_file
def test_what_it_runs_of_ours_is_there(file: Path) -> None:
    targets = re.findall(r"^([a-z0-9-]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
    for job in workflow(file)["jobs"].values():
        for step in job["steps"]:
            run = step.get("run", "")
            assert set(re.findall(r"\bmake (?:-s )?([a-z0-9-]+)", run)) <= set(targets), run
            for path in re.findall(r"(?:packaging|requirements|tests|\.ci)[\\/][\w.\\/-]+", run):
                assert (CHECKOUT / path.replace("\\", "/")).exists(), path


@every_file
def test_every_action_is_pinned_to_a_commit_and_names_its_version(file: Path) -> None:
    used = [line.partition("uses: ")[2] for line in file.read_text().splitlines() if "uses: " in line]
    assert used
    assert [action for action in used if not PINNED.fullmatch(action)] == []


@every_file
def test_it_may_read_the_code_and_nothing_else(file: Path) -> None:
    document = workflow(file)
    assert document["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in document["jobs"].values())
    assert "pull_request_target" not in file.read_text()
    assert "secrets." not in file.read_text()


@every_file
def test_no_credential_stays_in_the_checkout_and_no_job_runs_for_ever(file: Path) -> None:
    for job in workflow(file)["jobs"].values():
        assert job["timeout-minutes"] <= 60
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout"):
                assert step["with"]["persist-credentials"] is False


@every_file
def test_nothing_that_an_outsider_names_is_run_as_code(file: Path) -> None:
    for job in workflow(file)["jobs"].values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), step

"""The hosted CI: every action pinned to a commit, no right that is not needed, no secret in reach of a change from outside."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

FILES = sorted((Path(__file__).parents[3] / ".github/workflows").glob("*.yml"))
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*")


def workflow(file: Path) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(file.read_text())
    return found


def test_there_are_workflows_for_the_three_systems() -> None:
    on = {job["runs-on"].partition("-")[0] for job in workflow(FILES[0])["jobs"].values()}
    assert on == {"ubuntu", "macos", "windows"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_action_is_pinned_to_a_commit_and_names_its_version(file: Path) -> None:
    used = [line.partition("uses: ")[2] for line in file.read_text().splitlines() if "uses: " in line]
    assert used
    assert [action for action in used if not PINNED.fullmatch(action)] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_it_may_read_the_code_and_nothing_else(file: Path) -> None:
    document = workflow(file)
    assert document["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in document["jobs"].values())
    assert "pull_request_target" not in file.read_text()
    assert "secrets." not in file.read_text()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_credential_stays_in_the_checkout_and_no_job_runs_for_ever(file: Path) -> None:
    for job in workflow(file)["jobs"].values():
        assert job["timeout-minutes"] <= 60
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout"):
                assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_nothing_that_an_outsider_names_is_run_as_code(file: Path) -> None:
    for job in workflow(file)["jobs"].values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), step

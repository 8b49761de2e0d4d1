"""A release is made only where everything agrees, and says what is in it."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import passed
import pytest
import release

CHECKOUT = Path(__file__).resolve().parents[3]
WHOLE: dict[str, Any] = {
    "frozen": True,
    "whole": True,
    "agent_version": "1.2.0",
    "parts": [{"name": "client rows", "count": 80, "whole": True}],
}
CHANGELOG = (
    "# Changelog\n\n## Unreleased\n\n## 1.2.0 (2027-01-02)\n\n- News.\n\n## 1.1.0 (2026-12-01)\n\n- Older news.\n"
)
DEB = "mcp-compliance-agent_1.2.0_amd64.deb"
MSI = "mcp-compliance-agent-1.2.0.msi"


class Checkout:
    """A small project of version 1.2.0, all committed, with what it built; the real program makes the release of it."""

    def __init__(self, root: Path) -> None:
        self.root, self.dist = root, root / "dist"
        for name in ("release.py", "passed.py"):
            (root / "packaging/release").mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / "packaging/release" / name, root / "packaging/release")
        (root / "agent").mkdir()
        (root / "agent/__init__.py").write_text('__version__ = "1.2.0"\n')
        (root / "CHANGELOG.md").write_text(CHANGELOG)
        (root / ".gitignore").write_text("dist/\n__pycache__/\n")
        self._git("init", "--quiet")
        self.commit()
        for name in ("mcp-compliance-agent", "mcp-compliance-osquery"):
            (self.dist / name / "_internal").mkdir(parents=True)
            (self.dist / f"{name}.cdx.json").write_text("{}")
        self.says(WHOLE)
        (self.dist / "windows").mkdir()
        self.packages = [self.dist / DEB, self.dist / "windows" / MSI]
        for package in self.packages:
            package.write_text(package.name)
        (self.dist / "mcp-compliance-agent_1.1.0_amd64.deb").write_text("of an earlier version")
        passed.note(self.dist, self.packages)

    def says(self, selfcheck: dict[str, Any]) -> None:
        """Put a frozen program there that says this of itself."""
        program = self.dist / "mcp-compliance-agent/mcp-compliance"
        program.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(selfcheck)}\nEND\n")
        program.chmod(0o755)

    def commit(self) -> None:
        self._git("add", ".")
        self._git("-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "--quiet", "-m", "x")

    def release(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, str(self.root / "packaging/release/release.py"), *arguments]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
        return subprocess.run(command, check=False, capture_output=True, text=True, env=environment)

    def _git(self, *words: str) -> None:
        subprocess.run(["git", *words], cwd=self.root, check=True, capture_output=True)


pytestmark = pytest.mark.skipif(os.name != "posix", reason="the stand-in for the frozen program is a shell script")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_where_everything_agrees_there_is_a_release_with_the_true_checksums(checkout: Checkout) -> None:
    done = checkout.release()
    assert (done.returncode, done.stderr) == (0, "")
    folder = checkout.dist / "release"
    lines = [line.split("  ") for line in (folder / "SHA256SUMS").read_text().splitlines()]
    sums = {name: digest for digest, name in lines}
    assert set(sums) == {file.name for file in folder.iterdir()} - {"SHA256SUMS"}
    for name, digest in sums.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    document = json.loads((folder / "manifest.json").read_text())
    assert (document["version"], document["holds"]) == ("1.2.0", {"client rows": 80})
    assert len(document["commit"]) == 40
    assert {row["name"]: row["sha256"] for row in document["artifacts"]}.items() <= sums.items()


def test_it_holds_this_version_alone_and_names_what_is_not_to_be_deployed(checkout: Checkout) -> None:
    checkout.release()
    names = {file.name for file in (checkout.dist / "release").iterdir()}
    assert DEB in names
    assert not [name for name in names if "1.1.0" in name]
    assert [name for name in names if name.endswith(".msi")] == ["mcp-compliance-agent-1.2.0.for-tests.msi"]
    assert len([name for name in names if name.endswith(".cdx.json")]) == 2
    assert len([name for name in names if name.endswith(".tar.gz")]) == 2


def no_word_of_the_version(checkout: Checkout) -> None:
    (checkout.root / "CHANGELOG.md").write_text(CHANGELOG.replace("1.2.0", "1.1.5"))
    checkout.commit()


def nothing_said_of_the_version(checkout: Checkout) -> None:
    (checkout.root / "CHANGELOG.md").write_text(CHANGELOG.replace("- News.\n", ""))
    checkout.commit()


def an_old_version(checkout: Checkout) -> None:
    (checkout.root / "agent/__init__.py").write_text('__version__ = "1.1.0"\n')
    checkout.commit()


def something_unreleased(checkout: Checkout) -> None:
    (checkout.root / "CHANGELOG.md").write_text(CHANGELOG.replace("Unreleased\n", "Unreleased\n\n- More.\n"))
    checkout.commit()


def something_uncommitted(checkout: Checkout) -> None:
    (checkout.root / "agent/x.py").touch()


BEFORE_IT_IS_BUILT = {
    no_word_of_the_version: "CHANGELOG.md says nothing of 1.2.0",
    nothing_said_of_the_version: "CHANGELOG.md says nothing of 1.2.0",
    an_old_version: "CHANGELOG.md knows a newer version than 1.1.0",
    something_unreleased: "CHANGELOG.md still has something under Unreleased",
    something_uncommitted: "the commit does not hold agent/x.py",
}


def not_frozen(checkout: Checkout) -> None:
    checkout.says({**WHOLE, "frozen": False})


def a_part_lost(checkout: Checkout) -> None:
    checkout.says({**WHOLE, "whole": False, "parts": [{"name": "formats", "count": 0, "whole": False}]})


def a_program_that_does_not_start(checkout: Checkout) -> None:
    (checkout.dist / "mcp-compliance-agent/mcp-compliance").unlink()


def a_program_of_another_version(checkout: Checkout) -> None:
    checkout.says({**WHOLE, "agent_version": "1.1.0"})


def a_package_whose_tests_failed(checkout: Checkout) -> None:
    passed.forget(checkout.dist, checkout.packages[:1])


def a_package_built_anew_since_its_tests(checkout: Checkout) -> None:
    checkout.packages[1].write_text("other bytes")


def no_packages(checkout: Checkout) -> None:
    for package in checkout.packages:
        package.unlink()


ONCE_IT_IS_BUILT = {
    not_frozen: "the frozen program is not whole",
    a_part_lost: "the frozen program is not whole: formats",
    a_program_that_does_not_start: "it does not start",
    a_program_of_another_version: "the frozen program is 1.1.0, and this is 1.2.0",
    a_package_whose_tests_failed: f"the package tests have not passed for {DEB}",
    a_package_built_anew_since_its_tests: f"the package tests have not passed for {MSI}",
    no_packages: "there is no package of 1.2.0",
}


@pytest.mark.parametrize("spoil", [*BEFORE_IT_IS_BUILT, *ONCE_IT_IS_BUILT], ids=lambda spoil: spoil.__name__)
def test_where_something_disagrees_there_is_none_and_it_says_why(checkout: Checkout, spoil: Any) -> None:  # noqa: ANN401
    spoil(checkout)
    done = checkout.release()
    assert done.returncode == 1
    assert (
        f"No release: {(BEFORE_IT_IS_BUILT | ONCE_IT_IS_BUILT)[spoil]}" in done.stderr
        or "does not start" in done.stderr
    )
    assert not (checkout.dist / "release").exists()


@pytest.mark.parametrize("spoil", BEFORE_IT_IS_BUILT, ids=lambda spoil: spoil.__name__)
def test_what_the_commit_alone_forbids_is_said_before_anything_is_built(checkout: Checkout, spoil: Any) -> None:  # noqa: ANN401
    shutil.rmtree(checkout.dist)
    assert checkout.release("--may").returncode == 0
    spoil(checkout)
    assert checkout.release("--may").returncode == 1


def test_every_reason_is_given_at_once() -> None:
    reasons = list(release.reasons_against("1.2.0", release.Built({}, (), ())))
    assert len(reasons) == 3


def test_make_release_asks_first_then_lets_every_package_pass_its_tests_then_gathers() -> None:
    make = shutil.which("make")
    assert make
    command = [make, "--no-print-directory", "--dry-run", "--assume-old=.venv/dev.stamp", "release", "MAKE=true"]
    alone = {
        name: value for name, value in os.environ.items() if not name.startswith("MAKE")
    }  # tests run under make, too
    said = subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True, env=alone).stdout
    steps = [line.removeprefix(".venv/bin/python packaging/release/") for line in said.splitlines()]
    tested = {"Linux": "e2e-linux e2e-windows", "Darwin": "e2e-macos"}[os.uname().sysname]
    assert steps[-3:] == ["release.py --may", f"true {tested}", "release.py"]


def test_an_archive_does_not_say_who_built_it(checkout: Checkout) -> None:
    checkout.release()
    archives = list((checkout.dist / "release").glob("*.tar.gz"))
    assert archives
    for archive in archives:
        with tarfile.open(archive) as stream:
            entries = stream.getmembers()
        assert {(entry.uid, entry.uname, entry.mtime) for entry in entries} == {(0, "root", 1_700_000_000)}
        assert archive.read_bytes()[4:8] == (1_700_000_000).to_bytes(4, "little"), "nor does what it is packed in"

"""What shells and service managers say of our files themselves."""

import subprocess
from pathlib import Path

import pytest

from tests.installed.conftest import CHECKOUT

pytestmark = pytest.mark.installed


def scripts() -> list[Path]:
    files = [*(CHECKOUT / "packaging").rglob("*"), CHECKOUT / ".ci/run"]
    return sorted(file for file in files if file.is_file() and _first_line(file).endswith((b"/sh", b"bash")))


def _first_line(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.readline().strip()


def test_there_are_scripts() -> None:
    assert len(scripts()) > 6


@pytest.mark.parametrize("script", scripts(), ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_shellcheck_has_nothing_to_say_of(script: Path) -> None:
    done = subprocess.run(["shellcheck", str(script)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout

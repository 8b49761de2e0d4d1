"""The frozen program says what the source says, and holds no docstring that nobody reads."""

import subprocess
import sys
from pathlib import Path

import pytest

from agent.cli.main import VERBS
from agent.cli.schema import NAMES

pytestmark = pytest.mark.frozen

CHECKOUT = Path(__file__).resolve().parents[2]
FROZEN = (
    CHECKOUT / "dist/mcp-compliance-agent" / ("mcp-compliance.exe" if sys.platform == "win32" else "mcp-compliance")
)
SOURCE = Path(sys.executable).with_name("mcp-compliance")


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["policy", "lint", "--help"],
        *([verb, "--help"] for verb in VERBS),
        *(["schema", name] for name in NAMES),
    ],
    ids=" ".join,
)
def test_help_and_schemas_are_those_of_the_source(words: list[str]) -> None:
    assert _printed(FROZEN, words) == _printed(SOURCE, words)


def test_of_docstrings_it_holds_ours_alone() -> None:
    reader = (
        "import sys; from PyInstaller.archive.readers import CArchiveReader;"
        "modules = CArchiveReader(sys.argv[1]).open_embedded_archive('PYZ.pyz');"
        "print(*('__doc__' in modules.extract(name).co_names for name in sys.argv[2:]))"
    )
    python = CHECKOUT / ".venv/freeze" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    modules = ["agent.cli.run", "requests.api", "pydantic.main", "argparse"]
    assert _printed(python, ["-c", reader, str(FROZEN), *modules]).split() == ["True", "False", "False", "False"]


def _printed(program: Path, words: list[str]) -> str:
    return subprocess.run([program, *words], capture_output=True, text=True, check=True).stdout

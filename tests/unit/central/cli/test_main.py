"""Verbs load what they need and no more: whoever asks for one device does not wait for the parts of a server."""

import subprocess
import sys
from pathlib import Path

import pytest

_SERVING = {"starlette", "uvicorn", "authlib", "jinja2", "requests", "alembic", "agent.core.ocsf.events"}
_TELLS = """
import sys
from central.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print("\\n".join(sys.modules), file=sys.stderr)
"""


def loaded(folder: Path, *words: str) -> set[str]:
    """Return the modules that a command line loads, on a database that is there."""
    settings = folder / "central.toml"
    settings.write_text(f'state_folder = "{folder}"\n')
    command = [sys.executable, "-c", _TELLS, "--settings", str(settings), *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return set(done.stderr.splitlines())


def test_help_loads_no_verb(tmp_path: Path) -> None:
    assert not loaded(tmp_path, "--help") & {"sqlalchemy", "pydantic", *_SERVING}


@pytest.mark.parametrize("words", [("token", "list"), ("enrolment-key", "list"), ("person", "list"), ("device", "x")])
def test_a_verb_about_the_database_loads_nothing_of_a_server(tmp_path: Path, words: tuple[str, ...]) -> None:
    loaded(tmp_path, *words)  # makes the database
    found = loaded(tmp_path, *words)
    assert "sqlalchemy" in found
    assert not found & _SERVING

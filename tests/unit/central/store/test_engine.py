"""The database's connections."""

import os
import stat
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from central.app import first_key
from central.config import Settings
from central.store.engine import engine_of, writing


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
def test_an_sqlite_database_is_for_its_owner_alone_in_a_folder_that_all_may_enter(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    before = os.umask(0o022)
    try:
        engine = engine_of(f"sqlite:///{tmp_path}/central.sqlite")
        with writing(engine) as connection:
            connection.execute(text("CREATE TABLE held (it INTEGER)"))
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
        engine.dispose()
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("central.sqlite", "central.sqlite-shm", "central.sqlite-wal"), 0o600)


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
def test_the_first_enrolment_key_is_for_its_owner_alone_and_made_once(engine: Engine, tmp_path: Path) -> None:
    settings = Settings(state_folder=tmp_path)
    before = os.umask(0o022)
    try:
        file = first_key(settings, engine)
        assert file is not None
        key = file.read_text()
        assert first_key(settings, engine) == file
    finally:
        os.umask(before)
    assert file.read_text() == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

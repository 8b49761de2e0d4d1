"""A migrated SQLite database for each test: a copy of one that was made once."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from central.store.engine import engine_of
from central.store.migrating import migrate


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("central") / "made.sqlite"
    engine = engine_of(f"sqlite:///{path}")
    migrate(engine)
    engine.dispose()
    return path


@pytest.fixture
def engine(made: Path, tmp_path: Path) -> Iterator[Engine]:
    path = tmp_path / "central.sqlite"
    shutil.copy(made, path)
    engine = engine_of(f"sqlite:///{path}")
    yield engine
    engine.dispose()

"""The throwaway cluster that tests on PostgreSQL use: it comes up, keeps its data over a crash, and leaves nothing."""

import signal

import pytest
from sqlalchemy import text

from central.store.engine import engine_of, reading, writing
from tests.sim.postgres import program, throwaway

pytestmark = pytest.mark.skipif(program("initdb") is None, reason="PostgreSQL is not installed here")


def test_what_was_committed_outlives_a_crash_and_nothing_is_left_afterwards() -> None:
    with throwaway() as cluster:
        engine = engine_of(cluster.fresh("kept"))
        with writing(engine) as connection:
            connection.execute(text("CREATE TABLE a AS SELECT 7 AS b"))
        engine.dispose()
        cluster.stop(signal.SIGQUIT)
        cluster.start()
        with reading(engine) as connection:
            assert connection.execute(text("SELECT b FROM a")).scalar() == 7
        engine.dispose()
        folder = cluster.folder
    assert not folder.exists()

"""Attempts are counted by all copies together, in windows that move along."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine, select

from central.store.attempts import Most, may_try
from central.store.engine import reading, writing
from central.store.schema import attempts
from tests.sim.reporter import NOW

FEW, MANY = Most(2, 60.0), Most(3, 3_600.0)


def tries(engine: Engine, now: float, **limits: Most) -> bool:
    with writing(engine) as connection:
        return may_try(connection, limits, now)


def test_the_window_moves_along_and_who_is_refused_is_not_held_off_longer(engine: Engine) -> None:
    assert [tries(engine, NOW + second, ann=FEW) for second in (0, 30, 31, 59, 60, 61, 90)] == [
        True,
        True,
        False,
        False,
        True,
        False,
        True,
    ]


def test_one_limit_that_is_reached_refuses_and_counts_for_none(engine: Engine) -> None:
    assert tries(engine, NOW, pair=FEW, name=MANY)
    assert tries(engine, NOW, pair=FEW, name=MANY)
    assert not tries(engine, NOW, pair=FEW, name=MANY)
    assert tries(engine, NOW, other=FEW, name=MANY), "the refused one did not count"
    assert not tries(engine, NOW, third=FEW, name=MANY)


def test_attempts_at_the_same_time_are_as_many_as_may_be(engine: Engine) -> None:
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: tries(engine, NOW, ann=FEW), range(16)))
    assert sum(said) == FEW.number


def test_what_was_tried_as_is_kept_as_a_hash_and_forgotten(engine: Engine) -> None:
    tries(engine, NOW, **{"a password in the wrong field": FEW})
    with reading(engine) as connection:
        (row,) = connection.execute(select(attempts)).all()
    assert b"password" not in row.key
    tries(engine, NOW + 61, ann=FEW)
    with reading(engine) as connection:
        assert [kept.key for kept in connection.execute(select(attempts))] != [row.key]
        assert len(connection.execute(select(attempts)).all()) == 1

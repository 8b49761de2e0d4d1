"""A small fleet with everybody who may sign in; a copy of it for each test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.verdict import Answer
from central.store import people
from central.store.engine import engine_of, writing
from tests.sim.fleet import THING, Fleet, modified, running, server
from tests.sim.house import HOSTS, PASSWORD, WHO, House
from tests.sim.reporter import NOW


@pytest.fixture(scope="session")
def peopled(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("peopled")
    path = folder / "peopled.sqlite"
    shutil.copy(made, path)
    engine = engine_of(f"sqlite:///{path}")
    fleet = Fleet(engine, folder, NOW)
    for number, (host, user) in enumerate(zip(HOSTS, ("ann", "ben", "cem"), strict=True)):
        fleet.device(host, user, serial=f"C02X{number}")
    one, two, _ = (fleet.reporters[host] for host in HOSTS)
    fleet.at(one, NOW - 7_200)
    one.has(server("ann", THING, Answer.BLOCKED, "cursor", name="helper"))
    fleet.finds(one, running("ann", THING), modified(), ago=7_200)
    fleet.finds(two, running("ben", THING), ago=3_600)
    for reporter in (one, two):
        fleet.beats(reporter, "deviating", ago=60)
    with writing(engine) as connection:
        for role, name in WHO.items():
            people.add(connection, name, role, "test", NOW, password=PASSWORD)
    engine.dispose()
    return path


@pytest.fixture
def house(peopled: Path, tmp_path: Path) -> Iterator[House]:
    path = tmp_path / "central.sqlite"
    shutil.copy(peopled, path)
    engine = engine_of(f"sqlite:///{path}")
    yield House(engine)
    engine.dispose()

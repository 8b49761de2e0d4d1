"""A small fleet with everybody who may sign in; a copy of it for each test."""

from collections.abc import Iterator

import pytest

from agent.core.verdict import Answer
from central.store import people
from central.store.engine import engine_of, writing
from tests.sim.fleet import THING, Fleet, modified, running, server
from tests.sim.house import HOSTS, PASSWORD, WHO, House
from tests.sim.reporter import NOW
from tests.sim.shelf import Shelf


@pytest.fixture(scope="session")
def peopled(shelf: Shelf, made: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("peopled")
    url = shelf.copy(made)
    engine = engine_of(url)
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
    return url


@pytest.fixture
def house(shelf: Shelf, peopled: str) -> Iterator[House]:
    engine = engine_of(shelf.copy(peopled))
    yield House(engine)
    engine.dispose()

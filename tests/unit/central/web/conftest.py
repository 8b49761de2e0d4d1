"""A small fleet with everybody who may sign in; a copy of it for each test."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from argon2 import PasswordHasher
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket

from agent.core.verdict import Answer
from central.store import people, summing
from central.store.engine import engine_of, writing
from central.web import pages
from tests.sim.fleet import THING, Fleet, modified, running, server
from tests.sim.house import HOSTS, PASSWORD, WHO, House
from tests.sim.reporter import NOW
from tests.sim.shelf import Shelf


@dataclass
class Compiled(BytecodeCache):
    """Templates that were compiled before, by themselves and by their text."""

    held: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def load_bytecode(self, bucket: Bucket) -> None:
        held = self.held.get((bucket.key, bucket.checksum))
        if held is not None:
            bucket.bytecode_from_string(held)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.held[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


@pytest.fixture(scope="session", autouse=True)
def costly() -> Iterator[PasswordHasher]:
    """Give the program's own hashing of passwords; all tests that do not ask for it do with the cheapest there is.

    The templates are compiled once for all the programs that are made here.
    """
    own, compiled = people._HASHER, functools.partial(Environment, bytecode_cache=Compiled())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(people, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        patch.setattr(pages, "Environment", compiled)
        yield own


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
    summing.sum_up(engine, NOW)
    engine.dispose()
    return url


@pytest.fixture
def house(shelf: Shelf, peopled: str) -> Iterator[House]:
    with shelf.lent(peopled) as url:
        engine = engine_of(url)
        yield House(engine)
        engine.dispose()

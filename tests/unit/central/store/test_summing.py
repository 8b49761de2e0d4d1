"""The sums of the servers in use say what a count of all devices says, and are written only where something changed."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, select, update

from agent.core.verdict import Answer
from central.core.fleet import Fleet as Known
from central.store import summing
from central.store.engine import reading, writing
from central.store.schema import server_sums, servers
from central.store.summing import counted, sum_up, summed_at
from central.store.taking import Rules
from central.surveying.survey import Pace, Survey
from tests.sim.fleet import THING, TIME, WIKI, Fleet, server
from tests.sim.reporter import NOW


@pytest.fixture
def fleet(engine: Engine, tmp_path: Path) -> Fleet:
    fleet = Fleet(engine, tmp_path, NOW)
    for number, user in enumerate(("ann", "ben", "cem")):
        reporter = fleet.device(f"host-{number}", user)
        fleet.at(reporter, NOW - 100 + number)
        thing = server(user, THING, Answer.BLOCKED if number else Answer.ALLOWED, name=f"called-{number}")
        reporter.has(server(user, TIME, Answer.ALLOWED, "cursor", name="time"), thing)
        fleet.beats(reporter, "compliant", ago=50)
    return fleet


def sums(engine: Engine) -> dict[str, dict[str, object]]:
    with reading(engine) as connection:
        return {row["what"]: dict(row) for row in connection.execute(select(server_sums)).mappings()}


def test_each_server_is_counted_over_devices_people_and_verdicts(engine: Engine, fleet: Fleet) -> None:
    assert fleet.reporters
    with reading(engine) as connection:
        assert summed_at(connection) is None
    sum_up(engine, NOW)
    with reading(engine) as connection:
        assert summed_at(connection) == NOW
    found = sums(engine)
    assert found.keys() == {" ".join(TIME), " ".join(THING)}
    thing = found[" ".join(THING)]
    numbers = {name: thing[name] for name in ("devices", "users", "allowed", "blocked", "undetermined")}
    assert numbers == {"devices": 3, "users": 3, "allowed": 1, "blocked": 2, "undetermined": 0}
    assert thing["names"] == ["called-0", "called-1", "called-2"]
    assert thing["first_device"] == fleet.reporters["host-0"].id
    assert "called-1" in str(thing["folded"])
    assert found[" ".join(TIME)]["clients"] == ["cursor"]


def test_what_appears_changes_and_goes_is_in_the_next_sums_and_the_rest_is_not_written(
    engine: Engine, fleet: Fleet
) -> None:
    sum_up(engine, NOW)
    written: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *said: written.append(said[2]))
    sum_up(engine, NOW + 1)
    assert [text for text in written if "server_sums" in text and not text.startswith("SELECT")] == []
    one = fleet.reporters["host-2"]
    fleet.at(one, NOW)
    one.has(server("cem", TIME, Answer.UNDETERMINED, "cursor", name="time"), server("cem", WIKI, Answer.ALLOWED))
    fleet.beats(one, "compliant", ago=0)
    with writing(engine) as connection:
        connection.execute(update(servers).where(servers.c.what == " ".join(THING)).values(gone_at=NOW))
    sum_up(engine, NOW + 2)
    found = sums(engine)
    assert found.keys() == {" ".join(TIME), WIKI}
    assert (found[" ".join(TIME)]["allowed"], found[" ".join(TIME)]["undetermined"]) == (2, 1)
    with reading(engine) as connection:
        alone = list(counted(connection, servers.c.what == " ".join(TIME)))
    assert alone == [found[" ".join(TIME)]]


def test_the_survey_sums_up_at_its_turn_and_the_rarer_the_longer_it_takes(
    engine: Engine, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fleet.reporters
    now, spent = [NOW], [0.0]
    pace = Pace(fleet_s=1e9, silence_s=1e9, tally_s=1e9, age_s=1e9)
    survey = Survey(engine, replace(Rules(), fleet=Known()), lambda: now[0], 90, 400, pace)
    monkeypatch.setattr("central.surveying.survey.time.monotonic", lambda: spent[0])
    at: list[float] = []

    def slow(_engine: Engine, moment: float) -> None:
        at.append(moment)
        spent[0] += 2.0

    monkeypatch.setattr(summing, "sum_up", slow)
    for _ in range(60):
        survey.turn()
        now[0] += 5.0
    assert at[:4] == [NOW, NOW + 15, NOW + 55, NOW + 95]

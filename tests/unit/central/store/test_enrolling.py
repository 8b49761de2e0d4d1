"""Who is let in, by what, and who is not: the organisation's key is for devices that are new, and for no others."""

from sqlalchemy import Engine, select

from central.core.envelope import hashed
from central.store import enrolling
from central.store.engine import reading, writing
from central.store.schema import credentials
from tests.sim.reporter import NOW

DEVICE = "00000000-0000-4000-8000-000000000001"
FIRST, SECOND, THIRD = "first-credential", "second-credential", "third-credential"


def key_of(engine: Engine) -> str:
    with writing(engine) as connection:
        return enrolling.new_key(connection, "autumn", "test", NOW)


def enrols(engine: Engine, credential: str, shown: str) -> str | None:
    """Return the code of why not, None where it is let in."""
    with writing(engine) as connection:
        problem = enrolling.enrol(connection, DEVICE, "laptop-7", hashed(credential), shown, NOW)
    return None if problem is None else problem.code


def known(engine: Engine) -> list[bytes | None]:
    with reading(engine) as connection:
        row = connection.execute(select(credentials.c.current, credentials.c.next)).one()
    return list(row)


def test_a_thief_of_the_organisations_key_takes_over_no_device_that_is_in(engine: Engine) -> None:
    key = key_of(engine)
    assert enrols(engine, FIRST, key) is None
    assert enrols(engine, SECOND, key) == "already-enrolled"
    assert known(engine) == [hashed(FIRST), None]


def test_a_guess_lets_nobody_in_and_replaces_nothing(engine: Engine) -> None:
    assert enrols(engine, FIRST, "mcpc_enrol_guess") == "enrolment-key-unknown"
    assert enrols(engine, FIRST, key_of(engine)) is None
    assert enrols(engine, SECOND, "guess") == "enrolment-key-unknown"
    assert enrols(engine, SECOND, SECOND) == "enrolment-key-unknown", "the new one proves nothing"
    assert known(engine) == [hashed(FIRST), None]


def test_a_device_replaces_its_credential_by_the_present_one_and_may_say_so_twice(engine: Engine) -> None:
    key = key_of(engine)
    assert enrols(engine, FIRST, key) is None
    assert enrols(engine, FIRST, key) is None, "the answer was lost"
    assert enrols(engine, SECOND, FIRST) is None
    assert enrols(engine, SECOND, FIRST) is None
    assert known(engine) == [hashed(FIRST), hashed(SECOND)]


def test_who_was_revoked_comes_back_by_nothing_but_an_administrator(engine: Engine) -> None:
    key = key_of(engine)
    enrols(engine, FIRST, key)
    with writing(engine) as connection:
        assert enrolling.revoke(connection, DEVICE, "ada", NOW)
    for credential, shown in ((FIRST, key), (SECOND, key), (SECOND, FIRST), (FIRST, FIRST)):
        assert enrols(engine, credential, shown) == "credential-revoked"
    with writing(engine) as connection:
        assert enrolling.readmit(connection, DEVICE)
    assert enrols(engine, FIRST, FIRST) == "enrolment-key-unknown", "the old one stays ended"
    assert enrols(engine, THIRD, key) is None
    assert known(engine) == [hashed(THIRD), None]

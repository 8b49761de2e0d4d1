"""A device is put out and let in again from the command line, and the audit log says so."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from central.cli.main import main
from central.core.receive import Taken
from central.core.refusal import Refusal
from central.store.engine import reading
from central.store.schema import audit
from tests.sim.central import Receiver
from tests.sim.reporter import Reporter

Run = Callable[..., int]


@pytest.fixture
def run(database: str, tmp_path: Path) -> Run:
    settings = tmp_path / "central.toml"
    settings.write_text(f'database = "{database}"\n')
    return lambda *words: main(["--settings", str(settings), *words])


def actions(engine: Engine) -> Sequence[tuple[str, str]]:
    with reading(engine) as connection:
        return [(row.action, row.subject) for row in connection.execute(select(audit).order_by(audit.c.id))]


def test_who_was_revoked_is_refused_until_it_is_let_in_anew(engine: Engine, run: Run, tmp_path: Path) -> None:
    receiver, laptop = Receiver(engine), Reporter(tmp_path)
    receiver.admits(laptop)
    assert run("revoke", laptop.id) == 0
    laptop.beats()
    (refused,) = receiver.takes(laptop.sends())
    assert isinstance(refused, Refusal)
    assert refused.code == "credential-revoked"
    assert receiver.admits(laptop) is not None, "the organisation's key alone does not undo it"

    assert run("readmit", laptop.id) == 0
    laptop.beats()
    (old,) = receiver.takes(laptop.sends())
    assert isinstance(old, Refusal)
    laptop.credential = f"another-{'y' * 32}"
    assert receiver.admits(laptop) is None
    laptop.beats()
    (taken,) = receiver.takes(laptop.sends())
    assert isinstance(taken, Taken)
    assert actions(engine) == [("device.revoke", laptop.id), ("device.readmit", laptop.id)]


def test_an_id_that_nobody_has_is_said(engine: Engine, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("revoke", "readmit"):
        assert run(verb, "nobody") == 1
        assert capsys.readouterr().err == "no device has the id nobody\n"
    assert actions(engine) == []

"""A receiving end, and a laptop that it let in."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.sim.central import Receiver
from tests.sim.reporter import Reporter


@pytest.fixture
def receiver(engine: Engine) -> Receiver:
    return Receiver(engine)


@pytest.fixture
def laptop(receiver: Receiver, tmp_path: Path) -> Reporter:
    reporter = Reporter(tmp_path)
    assert receiver.admits(reporter) is None
    return reporter

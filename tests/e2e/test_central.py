"""The real agent and the real endpoint: it lets itself in, what it finds is an alert there, and it looks again when asked to."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from central.store import feeding
from central.store.engine import engine_of, reading, writing
from central.store.schema import deviations, devices
from tests.e2e.conftest import StartDaemon
from tests.e2e.daemon import SETTINGS, until
from tests.e2e.machine import HOME, Machine
from tests.e2e.policies import MANAGED_SETTINGS, TIME_ONLY, deploy
from tests.sim.serving import Served, serving

pytestmark = pytest.mark.e2e

UNAPPROVED = json.dumps({"mcpServers": {"notes": {"command": "npx", "args": ["-y", "unreviewed-notes"]}}})


@pytest.fixture
def served(machine: Machine, tmp_path: Path) -> Iterator[Served]:
    folder = "/etc/mcp-compliance-agent"
    with serving(tmp_path / "central") as central:
        machine.write(f"{folder}/key", central.key).chmod(0o600)
        url = f"{central.url}/v1/events"
        machine.write(SETTINGS, f'[endpoint]\nurl = "{url}"\nenrolment_key_file = "{folder}/key"\n')
        yield central


class Database:
    """What the endpoint knows."""

    def __init__(self, served: Served) -> None:
        self.engine = engine_of(f"sqlite:///{served.state / 'central.sqlite'}")

    def device(self) -> dict[str, Any] | None:
        with reading(self.engine) as connection:
            row = connection.execute(select(devices).where(devices.c.contact_at.is_not(None))).mappings().first()
        return None if row is None else dict(row)

    def alerts(self) -> list[dict[str, Any]]:
        with reading(self.engine) as connection:
            return [json.loads(line) for _, line in feeding.after(connection, 0, 1_000)]

    def open(self, about: str) -> list[str]:
        with reading(self.engine) as connection:
            query = select(deviations.c.control).where(
                deviations.c.closed_at.is_(None), deviations.c.label.contains(about)
            )
            return list(connection.execute(query).scalars())


def test_it_lets_itself_in_tells_what_it_finds_within_two_seconds_and_looks_again_when_asked(
    machine: Machine, served: Served, start_daemon: StartDaemon
) -> None:
    deploy(machine, MANAGED_SETTINGS, TIME_ONLY)
    daemon, known = start_daemon(online=True), Database(served)
    daemon.until_looked()
    until("the device to be known", known.device)

    machine.write(f"{HOME}/.cursor/mcp.json", UNAPPROVED)
    planted = time.monotonic()
    until("the deviation at the endpoint", lambda: known.open("notes"))
    assert time.monotonic() - planted < 2 + 3, "a report that is no alert waits three seconds for company"

    with writing(known.engine) as connection:
        wanted = time.time()
        connection.execute(update(devices).values(look_wanted_at=wanted))
    machine.write(f"{HOME}/.cursor/mcp.json", "{}")
    until("the deviation to be closed", lambda: not known.open("notes"))
    until("the look that was asked for", lambda: ((known.device() or {}).get("looked_at") or 0) >= wanted, 120)
    assert daemon.stop() == 0

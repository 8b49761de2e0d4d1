"""The real agent and the real endpoint: it lets itself in, what it finds is an alert there, and it looks again when asked to."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import Table, func, select, update

from central.core.access import Permission
from central.store import feeding, people, tokens
from central.store.engine import engine_of, reading, writing
from central.store.schema import deviations, devices, servers
from tests.e2e.conftest import StartDaemon, StartHost
from tests.e2e.daemon import SETTINGS, until, until_reported
from tests.e2e.machine import HOME, Machine
from tests.e2e.policies import LOCKED, MANAGED_SETTINGS, TIME_ONLY, deploy
from tests.e2e.programs import EVERYTHING
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

    def person(self, served: Served) -> requests.Session:
        """Sign an administrator in by a one-time link."""
        browser = requests.Session()
        with writing(self.engine) as connection:
            people.first(connection, "admin", time.time())
            page = f"{served.url}/sign-in/link/{people.link(connection, 'admin', time.time() + 60)}"
        form = re.search(r'name="form" value="([^"]+)"', browser.get(page, timeout=10).text)
        assert form is not None
        assert browser.post(page, data={"form": form[1]}, timeout=10).url == f"{served.url}/"
        return browser

    def program(self) -> requests.Session:
        """Give a program a token for the feed."""
        with writing(self.engine) as connection:
            token = tokens.make(connection, "siem", {Permission.FEED}, "test", time.time())
        reader = requests.Session()
        reader.headers["Authorization"] = f"Bearer {token}"
        return reader

    def device(self) -> dict[str, Any] | None:
        with reading(self.engine) as connection:
            row = connection.execute(select(devices).where(devices.c.contact_at.is_not(None))).mappings().first()
        return None if row is None else dict(row)

    def alerts(self) -> list[dict[str, Any]]:
        with reading(self.engine) as connection:
            return [json.loads(line) for _, line in feeding.after(connection, 0, 1_000)]

    def count(self, table: Table) -> int:
        with reading(self.engine) as connection:
            return int(connection.execute(select(func.count()).select_from(table)).scalar_one())

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


def test_an_endpoint_that_the_settings_name_later_is_told_all_that_holds(
    machine: Machine, served: Served, start_daemon: StartDaemon
) -> None:
    settings = machine.at(SETTINGS).read_text()
    machine.write(SETTINGS, "")
    deploy(machine, MANAGED_SETTINGS, TIME_ONLY)
    machine.write(f"{HOME}/.cursor/mcp.json", UNAPPROVED)
    daemon, known = start_daemon(), Database(served)
    opened = daemon.until_open("server.unapproved.configured", "notes")
    until_reported(machine, opened["uid"], "opened")
    assert daemon.stop() == 0

    machine.write(SETTINGS, settings)
    daemon = start_daemon(online=True)
    until("the deviation at the endpoint", lambda: known.open("notes"))
    until("the server and the policy", lambda: known.count(servers) and (known.device() or {}).get("policy_digest"))
    assert daemon.stop() == 0
    assert known.open("reports") == [], "nothing that it was to get is missing"


def test_a_server_that_appears_is_on_the_page_and_in_the_feed_and_closes_once_the_policy_is_corrected(
    machine: Machine, served: Served, start_daemon: StartDaemon, start_host: StartHost
) -> None:
    deploy(machine, MANAGED_SETTINGS, TIME_ONLY)
    daemon, host, known = start_daemon(online=True), start_host(everything=EVERYTHING), Database(served)
    daemon.until_looked()
    until("the device to be known", known.device)
    person, program = known.person(served), known.program()

    def fed(activity: str) -> list[dict[str, Any]]:
        lines = program.get(f"{served.url}/v1/alerts", timeout=10).text.splitlines()
        events = [json.loads(line) for line in lines]
        return [one for one in events if one["activity_name"] == activity and "everything" in one["message"]]

    host.start("everything")
    daemon.until_open("server.denied.running", "everything")
    found = time.monotonic()
    until("the alert in the feed", lambda: fed("Create"))
    until("the alert on the page", lambda: "everything" in person.get(f"{served.url}/alerts", timeout=10).text)
    assert time.monotonic() - found < 2

    deploy(machine, MANAGED_SETTINGS, LOCKED)
    until("the alert to be closed in the feed", lambda: fed("Close"))
    until(
        "it to be gone from the page",
        lambda: "everything" not in person.get(f"{served.url}/alerts", timeout=10).text,
    )
    assert daemon.stop() == 0

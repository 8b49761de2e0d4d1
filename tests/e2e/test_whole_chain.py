"""From a process that starts to the endpoint that knows of it, with the daemon killed in between."""

import json
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import StartDaemon, StartHost
from tests.e2e.daemon import SETTINGS, open_in_journal, open_in_reports, reports, told, until
from tests.e2e.machine import ANN, HOME, Machine
from tests.e2e.policies import MANAGED_SETTINGS, TIME_ONLY, deploy
from tests.e2e.programs import EVERYTHING, TIME
from tests.sim.endpoint import Answer, CutResponse, Endpoint

pytestmark = pytest.mark.e2e

TOKEN = "t0ken-of-this-device"


@pytest.fixture
def endpoint(machine: Machine) -> Iterator[Endpoint]:
    """The central endpoint, and settings on the laptop that lead to it."""
    with Endpoint() as central:
        folder = "/etc/mcp-compliance-agent"
        ca = central.ca_file(machine.folder(folder))
        machine.write(f"{folder}/token", TOKEN).chmod(0o600)
        machine.write(
            SETTINGS,
            f'[endpoint]\nurl = "{central.url}"\nca_file = "{folder}/{ca.name}"\ntoken_file = "{folder}/token"\n',
        )
        yield central


def until_told(endpoint: Endpoint, uid: str, *wanted: str) -> None:
    until(
        f"the endpoint to know {wanted} of {uid}",
        lambda: [word for word in told(endpoint.events, uid) if word != "updated"] == list(wanted),
    )


def test_a_deviation_reaches_the_endpoint_opened_once_and_closed_once(
    machine: Machine, endpoint: Endpoint, start_daemon: StartDaemon, start_host: StartHost
) -> None:
    deploy(machine, MANAGED_SETTINGS, TIME_ONLY)
    daemon, host = start_daemon(online=True), start_host(everything=EVERYTHING)
    daemon.until_looked()
    host.start("everything")
    deviation = daemon.until_open("server.denied.running", "everything")
    until_told(endpoint, deviation["uid"], "opened")
    host.stop("everything")
    until_told(endpoint, deviation["uid"], "opened", "closed")
    assert daemon.stop() == 0
    assert {request.headers["Authorization"] for request in endpoint.requests} == {f"Bearer {TOKEN}"}
    assert TOKEN not in daemon.printed()


def test_killing_the_daemon_loses_nothing_and_duplicates_nothing(
    machine: Machine, endpoint: Endpoint, start_daemon: StartDaemon, start_host: StartHost
) -> None:
    deploy(machine, MANAGED_SETTINGS, TIME_ONLY)
    first, host = start_daemon(online=True), start_host(everything=EVERYTHING, time=TIME)
    first.until_looked()
    host.start("time")
    host.start("everything")
    running = first.until_open("server.denied.running", "everything")
    until_told(endpoint, running["uid"], "opened")

    endpoint.play(Answer(503), CutResponse())
    machine.write(f"{HOME}/.cursor/mcp.json", json.dumps({"mcpServers": {"rogue": {"command": "/opt/rogue"}}}), ANN)
    configured = first.until_open("server.unapproved.configured", "rogue")
    first.kill()
    host.stop("everything")  # nobody looks

    second = start_daemon(online=True)
    until_told(endpoint, running["uid"], "opened", "closed")
    until_told(endpoint, configured["uid"], "opened")
    second.kill()
    third = start_daemon(online=True)
    third.until_looked()
    assert third.stop() == 0

    sequences = [event["metadata"]["sequence"] for event in endpoint.events]
    assert sorted(sequences) == list(range(1, len(sequences) + 1))
    assert told(endpoint.events, running["uid"]) == ["opened", "closed"]
    assert told(endpoint.events, configured["uid"]) == ["opened"]
    assert open_in_journal(machine) == open_in_reports(reports(machine)) == open_in_reports(endpoint.events)

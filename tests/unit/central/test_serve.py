"""The program as it is started, and the agent's own sink as it reports to it."""

import hashlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from agent.ports import Accepted, Refused
from agent.runtime.clock import SystemClock
from agent.sinks.https import HttpsSink, HttpsTarget
from tests.sim.deviations import findings
from tests.sim.reporter import Reporter


@pytest.fixture
def address(tmp_path: Path, database: str) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = tmp_path / "central.toml"
    settings.write_text(f'state_folder = "{tmp_path}"\ndatabase = "{database}"\n[listen]\nport = {port}\n')
    command = [
        sys.executable,
        "-c",
        "from central.cli.main import entry; entry()",
        "--settings",
        str(settings),
        "serve",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "."}) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == f"Listening on http://127.0.0.1:{port}\n"
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            assert server.wait(20) in (0, -15, 143)


def until_up(address: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            assert requests.get(f"{address}/readyz", timeout=5).status_code == 200
        except requests.ConnectionError:
            assert time.monotonic() < deadline
        else:
            return


def test_a_device_enrols_and_its_reports_are_acknowledged(address: str, tmp_path: Path) -> None:
    until_up(address)
    laptop = Reporter(tmp_path)
    laptop.beats()
    laptop.finds(findings(["a"]))
    batch = laptop.batch()
    sink = HttpsSink(
        HttpsTarget(url=f"{address}/v1/events", device_id=laptop.id, token=laptop.credential), SystemClock()
    )
    refused = sink.send(batch)
    assert isinstance(refused, Refused)
    assert "401" in refused.reason

    said = {
        "device": laptop.id,
        "hostname": "laptop-7",
        "credential_sha256": hashlib.sha256(laptop.credential.encode()).hexdigest(),
    }
    wrong = requests.post(f"{address}/v1/enrolment", json=said, headers={"Authorization": "Bearer no"}, timeout=5)
    assert wrong.status_code in (401, 403)
    key = (tmp_path / "enrolment-key").read_text().strip()
    assert (tmp_path / "enrolment-key").stat().st_mode & 0o777 == 0o600
    right = requests.post(f"{address}/v1/enrolment", json=said, headers={"Authorization": f"Bearer {key}"}, timeout=5)
    assert right.status_code == 200, right.text

    assert sink.send(batch) == Accepted()
    assert sink.send(batch) == Accepted()
    sink.close()
    figures = requests.get(f"{address}/metrics", timeout=5).text
    assert "credential-unknown" in figures

"""The program as it is started, and the agent's own sink as it reports to it."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from agent.ports import Accepted, Refused
from agent.runtime.clock import SystemClock
from agent.sinks.https import HttpsSink, HttpsTarget
from tests.sim.deviations import findings
from tests.sim.reporter import Reporter
from tests.sim.serving import serving


@pytest.fixture
def address(tmp_path: Path, database: str) -> Iterator[str]:
    with serving(tmp_path, database) as served:
        yield served.url


def test_a_device_enrols_and_its_reports_are_acknowledged(address: str, tmp_path: Path) -> None:
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


def test_a_method_that_a_path_does_not_know_is_refused_as_such(address: str) -> None:
    for path, allowed in {"/v1/events": "OPTIONS, POST", "/v1/enrolment": "POST", "/healthz": "GET, HEAD"}.items():
        answer = requests.put(f"{address}{path}", timeout=5)
        assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)


def test_a_path_with_a_line_break_is_not_there_in_the_words_of_the_api(address: str) -> None:
    answer = requests.post(f"{address}/v1/alerts/%0A/assign", timeout=5)
    assert (answer.status_code, answer.json()["code"]) == (404, "not-there")

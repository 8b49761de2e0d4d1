"""What the endpoint and the way to it can do to reports: nothing is lost, nothing is told twice, the order stays.

The real journal, delivery and HTTPS sink against a real server that misbehaves as scripted; only the waiting is simulated.
"""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.runtime.backoff import Backoff
from agent.runtime.budgets import Budgets
from agent.runtime.delivery import Delivery
from agent.sinks.https import HttpsLimits, HttpsSink, HttpsTarget
from agent.store.journal import Journal
from tests.sim.clock import ManualClock, MostRandom
from tests.sim.deviations import encode, findings
from tests.sim.endpoint import Answer, CutRequest, CutResponse, Endpoint, Slow, Step, TlsFailure, Trickle

SUBJECTS = [f"subject-{number}" for number in range(40)]
MATRIX: dict[str, list[Step]] = {
    "healthy": [],
    "500": [Answer(500)] * 3,
    "503 with Retry-After": [Answer(503, {"Retry-After": "120"})],
    "429 with Retry-After": [Answer(429, {"Retry-After": "30"})] * 2,
    "429 though the batch was kept": [Answer(429, keep=True)],
    "408": [Answer(408)],
    "413": [Answer(413)] * 4,
    "slow": [Slow()],
    "trickling": [Trickle()],
    "cut while it receives": [CutRequest()] * 3,
    "cut while it answers": [CutResponse()] * 3,
    "hangs up during TLS": [TlsFailure()] * 3,
    "everything": [TlsFailure(), CutRequest(), Answer(413), CutRequest(), Answer(502), Answer(), Slow(), CutResponse()],
}


class Device:
    """A journal with 40 deviations that opened and closed, and its delivery."""

    def __init__(self, folder: Path, endpoint: Endpoint) -> None:
        self.clock = ManualClock()
        self.journal = Journal(folder / "journal.db", self.clock.now, device="device-1")
        self.journal.use_sinks(["https"])
        for subjects in (SUBJECTS, []):
            self.journal.commit(findings(subjects), self.clock.now(), encode)
        target = HttpsTarget(url=endpoint.url, ca_file=endpoint.ca_file(folder), device_id="device-1")
        self.sink = HttpsSink(target, self.clock, HttpsLimits(connect_s=5.0, read_s=0.3, total_s=0.6))
        backoff = Backoff(MostRandom(), 1.0, 3_600.0)
        self.delivery = Delivery(self.sink, self.journal, self.clock, backoff, Budgets(batch_max_events=16))

    def deliver(self) -> list[float]:
        """Take every step until nothing waits; return the waits that were asked for."""
        waits: list[float] = []
        while (wait := self.delivery.step()) is not None:
            waits.append(wait)
            self.clock.pass_s(wait)
        return waits

    def close(self) -> None:
        self.sink.close()
        self.journal.close()


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    monkeypatch.setenv("NO_PROXY", "*")
    with Endpoint() as running:
        yield running


@pytest.fixture
def device(tmp_path: Path, endpoint: Endpoint) -> Iterator[Device]:
    it = Device(tmp_path, endpoint)
    yield it
    it.close()


@pytest.mark.parametrize("trouble", list(MATRIX))
def test_nothing_is_lost_doubled_or_out_of_order_when_the_endpoint_is(
    endpoint: Endpoint, device: Device, trouble: str
) -> None:
    endpoint.play(*MATRIX[trouble])
    device.deliver()
    taken = [event["metadata"]["sequence"] for events in endpoint.batches.values() for event in events]
    assert taken == list(range(1, 2 * len(SUBJECTS) + 1))
    assert endpoint.open_subjects == set()
    assert device.journal.counters().sinks["https"].set_aside == 0
    assert device.delivery.health().problem is None


def test_nothing_is_lost_when_the_endpoint_is_down_for_a_month(tmp_path: Path, endpoint: Endpoint) -> None:
    device = Device(tmp_path, endpoint)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        target = HttpsTarget(url=f"https://127.0.0.1:{nobody.getsockname()[1]}/", device_id="device-1")
        device.delivery.sink = HttpsSink(target, device.clock)
        began = device.clock.monotonic()
        while device.clock.monotonic() - began < 30 * 86_400:
            device.clock.pass_s(device.delivery.step() or 0.0)
        health = device.delivery.health()
        assert health.problem is not None
        assert health.problem.endswith("connection refused")
        assert health.failures < 800  # an hour apart, once the back-off has grown
    device.delivery.sink = device.sink
    device.deliver()
    assert len(endpoint.events) == 2 * len(SUBJECTS)
    device.close()


def test_retry_after_is_waited_for(endpoint: Endpoint, device: Device) -> None:
    endpoint.play(Answer(429, {"Retry-After": "1800"}))
    assert max(device.deliver()) >= 1_800.0


def test_what_the_endpoint_refuses_is_set_aside_visibly_and_told_after_the_settings_changed(
    endpoint: Endpoint, device: Device
) -> None:
    endpoint.play(*[Answer(401)] * 5)
    device.deliver()
    backlog = device.journal.counters().sinks["https"]
    assert (backlog.waiting, backlog.set_aside) == (0, 80)
    assert backlog.set_aside_reason is not None
    assert "answered 401 Unauthorized" in backlog.set_aside_reason
    assert endpoint.events == []
    assert device.journal.try_again("https") == 80
    device.deliver()
    assert [event["metadata"]["sequence"] for event in endpoint.events] == list(range(1, 81))

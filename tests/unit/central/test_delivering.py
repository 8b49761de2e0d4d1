"""The way of alerts to the SOC's destinations: strict receivers of each protocol, several copies, and what fails on the way."""

import hashlib
import hmac
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from pydantic import TypeAdapter
from sqlalchemy import Engine, select

from agent.config.network import Network
from agent.core.refusal import CannotStart
from agent.runtime.delivery import Delivery
from central.delivering.couriers import Couriers
from central.delivering.destinations import WHO, sinks
from central.delivering.written import Pushed
from central.store.engine import reading
from central.store.schema import cursors
from tests.sim import collectors
from tests.sim.central import Receiver
from tests.sim.clock import ManualClock
from tests.sim.deviations import findings
from tests.sim.endpoint import Answer, Endpoint
from tests.sim.reporter import NOW, Reporter
from tests.sim.serving import serving
from tests.unit.sinks.test_syslog import Receiver as SyslogReceiver

READ: TypeAdapter[Pushed] = TypeAdapter(Pushed)
LEASE_S = 60 + 60


class Scene:
    """A feed that a laptop fills, and copies of the program that carry it. Nothing runs by itself."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder = engine, folder
        self.clock = ManualClock(NOW)
        self.receiver = Receiver(engine)
        self.laptop = Reporter(folder)
        self.receiver.admits(self.laptop)
        self._found: list[str] = []

    def alerts(self, *subjects: str) -> None:
        self._found += subjects
        self.laptop.finds(findings(self._found))
        self.receiver.takes(self.laptop.sends())

    def copy(self, settings: Mapping[str, Any]) -> Delivery:
        """One copy that knows the destination, as after its start."""
        couriers = Couriers(
            self.engine, self.clock, tuple(sinks([READ.validate_python(settings)], Network(), self.clock))
        )
        couriers.know()
        (delivery,) = couriers.deliveries
        return delivery

    def cursor(self) -> Any:  # noqa: ANN401 - a row
        with reading(self.engine) as connection:
            return connection.execute(select(cursors)).one()

    def token(self) -> str:
        path = self.folder / "token"
        path.write_text(collectors.TOKEN)
        return str(path)


@pytest.fixture
def scene(engine: Engine, tmp_path: Path) -> Scene:
    return Scene(engine, tmp_path)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as running:
        yield running


def webhook(endpoint: Endpoint, scene: Scene, **more: str) -> dict[str, str]:
    return {"kind": "webhook", "url": endpoint.url, "ca_file": str(endpoint.ca_file(scene.folder)), **more}


def names(events: list[dict[str, Any]]) -> list[str]:
    return [event["resources"][0]["name"] for event in events]


@pytest.mark.parametrize(
    ("kind", "collector", "path"),
    [
        ("splunk_hec", collectors.Splunk, ""),
        ("otlp", collectors.Otlp, "/v1/logs"),
        ("elastic", collectors.Elastic, ""),
    ],
)
def test_collectors_get_each_alert_once_and_go_on_after_a_restart(
    scene: Scene, kind: str, collector: Callable[[], collectors.Collector], path: str
) -> None:
    judge = collector()
    with Endpoint(judge=judge) as place:
        url = place.url.removesuffix("/v1/events") + path
        settings = {"kind": kind, "url": url, "token_file": scene.token(), "ca_file": str(place.ca_file(scene.folder))}
        scene.alerts("before")  # a new destination begins with what comes from now on
        first = scene.copy(settings)
        assert first.step() is None
        scene.alerts("a", "b")
        assert first.step() == 0.0
        assert first.step() is None
        scene.clock.pass_s(LEASE_S)
        scene.alerts("c")
        again = scene.copy(settings)
        assert again.step() == 0.0
        assert again.step() is None
    assert names(judge.events) == ["a", "b", "c"]
    assert judge.repeats == 0
    assert scene.cursor().accepted_at == scene.clock.now()


def test_syslog_gets_them_too(scene: Scene) -> None:
    place = SyslogReceiver("polite")
    try:
        ca = scene.folder / "syslog-ca.pem"
        place.ca.cert_pem.write_to_path(str(ca))
        delivery = scene.copy({"kind": "syslog", "host": "127.0.0.1", "port": place.port, "ca_file": str(ca)})
        scene.alerts("a")
        assert delivery.step() == 0.0
    finally:
        place.close()
    (message,) = place.messages
    assert b'"name":"a"' in message


def test_a_webhook_is_signed_and_numbered_and_a_repeat_is_the_same_batch(scene: Scene, endpoint: Endpoint) -> None:
    key = scene.folder / "key"
    key.write_text("a key\n")
    delivery = scene.copy(webhook(endpoint, scene, hmac_key_file=str(key)))
    scene.alerts("a")
    endpoint.play(Answer(503, keep=True))
    wait_s = delivery.step()
    assert wait_s is not None
    assert "503" in str(delivery.problem)
    scene.alerts("b")
    scene.clock.pass_s(wait_s)
    assert delivery.step() == 0.0
    assert delivery.step() == 0.0
    one, same, other = endpoint.requests
    assert one.headers["Idempotency-Key"] == same.headers["Idempotency-Key"] != other.headers["Idempotency-Key"]
    assert one.body == same.body
    for request in endpoint.requests:
        signed = request.headers["X-Timestamp"].encode() + b"." + request.body
        assert request.headers["X-Signature"] == f"sha256={hmac.new(b'a key', signed, hashlib.sha256).hexdigest()}"
        assert request.headers["X-Device-Id"] == WHO
    assert [event["metadata"]["sequence"] for event in endpoint.events] == [2, 4]
    assert names(endpoint.events) == ["a", "b"]


def test_one_copy_carries_a_destination_and_another_goes_on_where_it_ended(scene: Scene, endpoint: Endpoint) -> None:
    settings = webhook(endpoint, scene)
    one, two = scene.copy(settings), scene.copy(settings)
    scene.alerts("a")
    endpoint.play(Answer(503, keep=True))  # taken, and the answer is an error: the copy ends before it asks again
    assert one.step()
    scene.alerts("b")
    assert two.step() is None
    scene.clock.pass_s(LEASE_S - 1)
    assert two.step() is None
    scene.clock.pass_s(1)
    assert two.step() == 0.0
    assert two.step() == 0.0
    assert one.step() is None
    first, repeat, other = (request.headers["Idempotency-Key"] for request in endpoint.requests)
    assert first == repeat != other
    assert names(endpoint.events) == ["a", "b"]


def test_what_a_destination_never_takes_is_set_aside_and_seen(scene: Scene, endpoint: Endpoint) -> None:
    delivery = scene.copy(webhook(endpoint, scene))
    scene.alerts("bad")
    endpoint.play(Answer(400))
    wait_s = delivery.step()
    assert wait_s is not None
    assert scene.cursor().set_aside == 1
    assert "400" in scene.cursor().problem
    scene.alerts("good")
    scene.clock.pass_s(wait_s)
    assert delivery.step() == 0.0
    assert names(endpoint.events) == ["good"]
    assert scene.cursor().problem == ""


def test_smaller_batches_where_one_is_too_large(scene: Scene, endpoint: Endpoint) -> None:
    delivery = scene.copy(webhook(endpoint, scene))
    scene.alerts("a", "b", "c", "d")
    endpoint.play(Answer(413))
    while delivery.step() is not None:
        pass
    assert [len(request.events) for request in endpoint.requests] == [4, 2, 2]
    assert names(endpoint.events) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            [{"kind": "webhook", "url": "https://a/"}, {"kind": "webhook", "url": "https://b/"}],
            "another one of that name",
        ),
        ([{"kind": "webhook", "url": "http://siem.example/"}], "must be https"),
        ([{"kind": "otlp", "url": "https://a/v1/logs", "token_file": "/nowhere/token"}], "/nowhere/token is not there"),
    ],
)
def test_a_destination_that_cannot_be_used_keeps_the_program_from_starting(wrong: list[Any], said: str) -> None:
    items = [READ.validate_python(item) for item in wrong]
    with pytest.raises(CannotStart, match=said):
        list(sinks(items, Network(), ManualClock(NOW)))


def test_a_running_copy_pushes_by_itself_and_shows_how_it_does(
    database: str, tmp_path: Path, endpoint: Endpoint
) -> None:
    settings = [
        "[[destination]]",
        'kind = "webhook"',
        f'url = "{endpoint.url}"',
        f'ca_file = "{endpoint.ca_file(tmp_path)}"',
    ]
    laptop = Reporter(tmp_path)
    with serving(tmp_path / "central", database, settings) as served:
        served.admits(laptop)
        laptop.now = time.time()
        laptop.finds(findings(["a"]))
        began = time.monotonic()
        served.takes(laptop)
        while not endpoint.events:
            assert time.monotonic() - began < 10.0
            time.sleep(0.02)
        figures = requests.get(f"{served.url}/metrics", timeout=5).text
    assert names(endpoint.events) == ["a"]
    assert 'mcpc_destination_failures{destination="webhook"} 0.0' in figures

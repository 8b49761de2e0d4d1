"""Every destination is held to the same: what it took is taken, what it could not take is tried again, no secret shows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs

from agent.core.assess.results import deviation
from agent.core.deviation import Evidence
from agent.core.documents import DeviceRow
from agent.core.event import Circumstances, finding_events
from agent.core.ledger import Change, ChangeKind, Record
from agent.ports import Accepted, Batch, Clock, Outcome, Refused, RetryLater, Sink, TooLarge
from agent.sinks.channel import HttpLimits, HttpTarget
from agent.sinks.elastic import ElasticSink, document
from agent.sinks.jsonl import JsonlSink
from agent.sinks.otlp import OtlpSink
from agent.sinks.splunk_hec import SplunkHecSink, SplunkOptions
from agent.sinks.syslog import message
from agent.sinks.system_log import entry
from tests.sim.batches import batch_of
from tests.sim.clock import ManualClock
from tests.sim.collectors import TOKEN, Collector, Elastic, Otlp, Splunk, ecs_faults
from tests.sim.endpoint import Answer, CutRequest, CutResponse, Endpoint, Slow, TlsFailure
from tests.unit.core.test_event import every_event, queued


def event(sequence: int, **given: Any) -> dict[str, Any]:  # noqa: ANN401 - parts of an event
    return {
        "class_uid": 2004,
        "type_name": "Detection Finding: Create",
        "time": 1_700_000_000_123,
        "severity_id": 5,
        "message": "ann: npx thing runs ünder cursor",
        "is_alert": True,
        "finding_info": {"uid": "f1", "title": "A server", "types": ["server.denied.running"]},
        "resources": [{"name": "x", "owner": {"name": "ann"}}],
        "device": {"uid": "d1", "hostname": "laptop-7"},
        "metadata": {"sequence": sequence, "product": {"version": "0.1.0"}},
        "unmapped": {"chain": {"journal": "j1", "previous": "0" * 64}},
        **given,
    }


BATCH = batch_of("b1", 7, 9, (event(7), event(8), event(9)))
LIMITS = HttpLimits(connect_s=5.0, read_s=5.0, total_s=10.0)
HASTY = HttpLimits(connect_s=5.0, read_s=0.2, total_s=0.4)

Build = Callable[[HttpTarget, Clock, HttpLimits], Sink]


@dataclass(frozen=True)
class Kind:
    collector: Callable[..., Collector]
    path: str
    build: Build


KINDS = {
    "splunk_hec": Kind(Splunk, "", lambda target, clock, limits: SplunkHecSink(target, clock, limits=limits)),
    "otlp": Kind(Otlp, "/v1/logs", OtlpSink),
    "elastic": Kind(Elastic, "", lambda target, clock, limits: ElasticSink(target, clock, limits=limits)),
}


class Bench:
    """One receiver of one kind and a sink for it."""

    def __init__(self, kind: Kind, folder: Path, *answers: Any, limits: HttpLimits = LIMITS) -> None:  # noqa: ANN401 - what the collector takes
        self.collector = kind.collector(*answers)
        self.endpoint = Endpoint(judge=self.collector)
        self.target = HttpTarget(
            url=self.endpoint.url.removesuffix("/v1/events") + kind.path,
            ca_file=self.endpoint.ca_file(folder),
            token=TOKEN,
            scheme=self.collector.scheme,
        )
        self.clock = ManualClock()
        self.sink: Any = kind.build(self.target, self.clock, limits)

    def close(self) -> None:
        self.sink.close()
        self.endpoint.close()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture(params=list(KINDS))
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    it = Bench(KINDS[request.param], tmp_path)
    yield it
    it.close()


def test_every_event_arrives_whole_and_in_order(bench: Bench) -> None:
    assert bench.sink.send(BATCH) == Accepted()
    assert bench.collector.events == list(BATCH.events)


def test_every_kind_of_event_is_taken_by_a_receiver_that_holds_it_to_the_protocol(bench: Bench) -> None:
    told = [queued(event) for event in every_event().values()]
    events = tuple({**item, "metadata": {**item["metadata"], "sequence": n}} for n, item in enumerate(told, 1))
    assert bench.sink.send(batch_of("all", 1, len(events), events)) == Accepted()
    assert bench.collector.wrong == []
    assert len(bench.collector.events) == len(events)


def test_a_receiver_that_is_strict_notices_a_slip() -> None:
    right = document(event(7))
    assert ecs_faults(right) == []
    slips = {"mesage": "x", "event": {**right["event"], "kind": "alarm"}, "host": {"id": 7}, "@timestamp": "now"}
    assert [name for name, value in slips.items() if not ecs_faults({**right, name: value})] == []
    with pytest.raises(json_format.ParseError):
        json_format.Parse('{"resourceLog": []}', logs.ExportLogsServiceRequest())


def test_a_repeat_changes_nothing_that_counts(bench: Bench) -> None:
    assert [bench.sink.send(BATCH) for _ in range(2)] == [Accepted(), Accepted()]
    assert bench.collector.events == list(BATCH.events)
    assert bench.collector.repeats == 3


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_what_it_cannot_take_now_is_tried_again_when_it_says(bench: Bench, status: int) -> None:
    bench.endpoint.play(Answer(status, {"Retry-After": "60"}))
    outcome = bench.sink.send(BATCH)
    assert isinstance(outcome, RetryLater)
    assert outcome.after_s == 60.0
    assert bench.sink.send(BATCH) == Accepted()


@pytest.mark.parametrize(("status", "kind"), [(413, TooLarge), (400, Refused), (401, Refused), (302, Refused)])
def test_what_it_will_never_take_is_not_tried_again(bench: Bench, status: int, kind: type[Outcome]) -> None:
    bench.endpoint.play(Answer(status))
    assert isinstance(bench.sink.send(BATCH), kind)


@pytest.mark.parametrize("trouble", [CutRequest(), CutResponse(), TlsFailure()])
def test_trouble_on_the_way_is_tried_again(bench: Bench, trouble: Any) -> None:  # noqa: ANN401 - a step
    bench.endpoint.play(trouble)
    assert isinstance(bench.sink.send(BATCH), RetryLater)
    assert bench.sink.send(BATCH) == Accepted()


def test_a_certificate_that_nobody_trusts_is_never_accepted(bench: Bench, tmp_path: Path) -> None:
    stranger = Bench(KINDS["otlp"], tmp_path)
    target = HttpTarget(url=bench.target.url, ca_file=stranger.target.ca_file, token=TOKEN)
    outcome = KINDS[bench.sink.name].build(target, bench.clock, LIMITS).send(BATCH)
    stranger.close()
    assert isinstance(outcome, RetryLater)
    assert "certificate is not trusted" in outcome.reason
    assert bench.collector.events == []


def test_no_token_shows_in_any_reason_or_repr(bench: Bench) -> None:
    said = [repr(bench.sink), repr(bench.target)]
    for step in (Answer(401), Answer(500), CutRequest()):
        bench.endpoint.play(step)
        said.append(str(bench.sink.send(BATCH)))
    assert [text for text in said if TOKEN in text] == []


@pytest.mark.parametrize("kind", list(KINDS))
def test_one_that_does_not_answer_meets_the_time_limit(tmp_path: Path, kind: str) -> None:
    bench = Bench(KINDS[kind], tmp_path, limits=HASTY)
    bench.endpoint.play(Slow())
    outcome = bench.sink.send(BATCH)
    bench.close()
    assert isinstance(outcome, RetryLater)
    assert outcome.reason.endswith("no answer within the time limit")


def test_after_an_abort_nothing_is_sent_any_more(bench: Bench) -> None:
    bench.sink.abort()
    assert isinstance(bench.sink.send(BATCH), RetryLater)
    assert bench.collector.events == []


# Elasticsearch answers per document


@pytest.mark.parametrize("status", [429, 503])
def test_a_document_that_cannot_be_taken_now_lets_the_batch_be_tried_again_and_none_is_doubled(
    tmp_path: Path, status: int
) -> None:
    bench = Bench(KINDS["elastic"], tmp_path, 201, status)
    assert isinstance(bench.sink.send(BATCH), RetryLater)
    assert bench.sink.send(BATCH) == Accepted()
    assert sorted(e["metadata"]["sequence"] for e in bench.collector.events) == [7, 8, 9]
    bench.close()


def test_a_document_that_is_refused_sets_the_batch_aside_with_the_reason(tmp_path: Path) -> None:
    bench = Bench(KINDS["elastic"], tmp_path, 201, 400)
    outcome = bench.sink.send(BATCH)
    assert isinstance(outcome, Refused)
    assert outcome.reason.endswith("refused 1 of 3 documents: 400 document_parsing_exception")
    bench.close()


@pytest.mark.parametrize("body", [b"", b"[]", b'{"errors":true,"items":[]}', b'{"items":[{"create":{}}]}', b"<html>"])
def test_an_answer_that_is_none_of_the_bulk_interface_is_no_acceptance(tmp_path: Path, body: bytes) -> None:
    bench = Bench(KINDS["elastic"], tmp_path)
    bench.endpoint.play(Answer(200, body=body))
    assert isinstance(bench.sink.send(BATCH), RetryLater)
    bench.close()


def test_an_ecs_document_says_who_and_what_and_keeps_the_event() -> None:
    shown = document(event(7))
    assert shown["@timestamp"] == "2023-11-14T22:13:20.123Z"
    assert (shown["event"]["kind"], shown["user"], shown["host"]["hostname"]) == ("alert", {"name": "ann"}, "laptop-7")
    assert shown["rule"] == {"id": "server.denied.running", "name": "A server"}


# Collectors refuse single log records


def test_log_records_that_are_refused_set_the_batch_aside(tmp_path: Path) -> None:
    bench = Bench(KINDS["otlp"], tmp_path, 2)
    outcome = bench.sink.send(BATCH)
    assert isinstance(outcome, Refused)
    assert outcome.reason.endswith("refused 2 of 3 log records")
    bench.close()


# Splunk's indexers acknowledge later


def acknowledged(tmp_path: Path, *indexed: bool, ack_s: float = 0.0) -> Outcome:
    kind = Kind(
        Splunk,
        "",
        lambda target, clock, limits: SplunkHecSink(
            target, clock, SplunkOptions(indexer_ack=True, ack_s=ack_s), limits
        ),
    )
    bench = Bench(kind, tmp_path, *indexed)
    outcome: Outcome = bench.sink.send(BATCH)
    bench.close()
    return outcome


def test_a_batch_counts_once_an_indexer_has_it(tmp_path: Path) -> None:
    assert acknowledged(tmp_path, True) == Accepted()


def test_a_batch_that_no_indexer_acknowledges_is_tried_again(tmp_path: Path) -> None:
    assert isinstance(acknowledged(tmp_path, False), RetryLater)


def test_a_token_without_indexer_acknowledgement_is_told(tmp_path: Path) -> None:
    outcome = acknowledged(tmp_path)
    assert isinstance(outcome, RetryLater)
    assert "turn indexer acknowledgement on" in outcome.reason


# No secret that somebody typed into a configuration reaches any destination

CANARY = "sk-ant-api03-" + "cAnArY0123456789" * 3


def told_of_a_secret() -> Batch:
    item = deviation(
        "server.denied.running",
        subject=f"cursor:ann:npx --api-key={CANARY}",
        label=f"ann: npx --api-key={CANARY}",
        text=f"runs npx --api-key={CANARY} under cursor",
        evidence=[
            Evidence("command", f"npx --api-key={CANARY}"),
            Evidence("url", f"https://x.example.com/?token={CANARY}"),
        ],
        user="ann",
    )
    device = DeviceRow("d1", "laptop-7", "linux", "12", "0.1.0", "/")
    change = Change(ChangeKind.OPENED, Record(item, 1.0, 1.0), 1.0)
    events = finding_events(device, change, Circumstances())
    chained = [{**e, "metadata": {**e["metadata"], "sequence": n}} for n, e in enumerate(events, 1)]
    return batch_of("b1", 1, len(chained), tuple(chained))


def test_no_secret_of_a_command_or_url_reaches_a_receiver(bench: Bench) -> None:
    assert bench.sink.send(told_of_a_secret()) == Accepted()
    (request,) = bench.endpoint.requests
    assert len(bench.collector.events) == 2
    assert CANARY.encode() not in request.body


def test_no_secret_of_a_command_or_url_reaches_the_log_of_the_system_a_file_or_syslog(tmp_path: Path) -> None:
    batch = told_of_a_secret()
    JsonlSink(tmp_path / "reports.jsonl").send(batch)
    written = [(tmp_path / "reports.jsonl").read_text(), *(str(entry(e)) for e in batch.events)]
    written += [message(e).decode() for e in batch.events]
    assert [text for text in written if CANARY in text] == []

import gzip
import hashlib
import hmac
import socket
import threading
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path

import pytest
import requests
import trustme

from agent.core.canonical import canonical
from agent.ports import Accepted, Batch, Outcome, Refused, RetryLater, TooLarge
from agent.sinks.https import HttpsLimits, HttpsSink, HttpsTarget
from tests.sim.batches import batch_of
from tests.sim.clock import ManualClock
from tests.sim.endpoint import Answer, CutRequest, CutResponse, Endpoint, Slow, TlsFailure, Trickle
from tests.sim.proxy import Proxy

TOKEN = "tok-canary-51c2"
KEY = b"hmac-canary-88d1"
BATCH = batch_of("batch-1", 7, 8, ({"metadata": {"sequence": 7}, "text": "é"}, {"metadata": {"sequence": 8}}))
LIMITS = HttpsLimits(connect_s=5.0, read_s=5.0, total_s=10.0)
HASTY = HttpsLimits(connect_s=5.0, read_s=0.2, total_s=0.4)

Connect = Callable[..., HttpsSink]


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as running:
        yield running


@pytest.fixture
def connect(endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """A sink for the endpoint, away from proxies and credentials of whoever runs the tests."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    sinks: list[HttpsSink] = []

    def one(limits: HttpsLimits = LIMITS, **target: object) -> HttpsSink:
        given = {"url": endpoint.url, "ca_file": endpoint.ca_file(tmp_path), "device_id": "device-1", "token": TOKEN}
        sinks.append(HttpsSink(HttpsTarget(**given | target), ManualClock(), limits))  # type: ignore[arg-type]
        return sinks[-1]

    yield one
    for sink in sinks:
        sink.close()


def reason(outcome: Outcome) -> str:
    assert isinstance(outcome, RetryLater | Refused | TooLarge)
    return outcome.reason


def test_a_batch_is_posted_as_compressed_canonical_lines_with_what_identifies_it(
    endpoint: Endpoint, connect: Connect
) -> None:
    assert connect().send(BATCH) == Accepted()
    [request] = endpoint.requests
    assert request.path == "/v1/events"
    assert gzip.decompress(request.body).decode().splitlines() == [canonical(event) for event in BATCH.events]
    expected = {
        "Content-Type": "application/x-ndjson",
        "Content-Encoding": "gzip",
        "Idempotency-Key": "batch-1",
        "X-Device-Id": "device-1",
        "X-First-Sequence": "7",
        "X-Last-Sequence": "8",
        "Authorization": f"Bearer {TOKEN}",
    }
    assert {name: request.headers[name] for name in expected} == expected
    assert request.headers["X-Signature"] is None


def test_a_repeat_is_byte_for_byte_the_same(endpoint: Endpoint, connect: Connect) -> None:
    sink = connect()
    sink.send(BATCH)
    sink.send(BATCH)
    first, second = endpoint.requests
    assert first.body == second.body
    assert list(endpoint.batches) == ["batch-1"]


def test_the_signature_covers_the_timestamp_and_the_body_as_sent(endpoint: Endpoint, connect: Connect) -> None:
    connect(hmac_key=KEY).send(BATCH)
    [request] = endpoint.requests
    stamp = request.headers["X-Timestamp"]
    signature = hmac.new(KEY, f"{stamp}.".encode() + request.body, hashlib.sha256).hexdigest()
    assert stamp == str(int(ManualClock().now()))
    assert request.headers["X-Signature"] == f"sha256={signature}"


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_2xx_is_the_acknowledgement(endpoint: Endpoint, connect: Connect, status: int) -> None:
    endpoint.play(Answer(status, body=b""))
    assert connect().send(BATCH) == Accepted()


def test_an_answer_longer_than_anybody_reads_is_an_answer(endpoint: Endpoint, connect: Connect) -> None:
    endpoint.play(Answer(200, body=b"x" * 1_000_000))
    assert connect(HttpsLimits(response_bytes=1_000)).send(BATCH) == Accepted()


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_a_status_that_may_pass_is_tried_again(endpoint: Endpoint, connect: Connect, status: int) -> None:
    endpoint.play(Answer(status))
    outcome = connect().send(BATCH)
    assert isinstance(outcome, RetryLater)
    assert f"answered {status}" in outcome.reason
    assert outcome.after_s is None


@pytest.mark.parametrize("status", [301, 302, 304, 307, 400, 401, 403, 404, 410, 422])
def test_any_other_status_refuses_the_batch_and_a_redirect_is_not_followed(
    endpoint: Endpoint, connect: Connect, status: int
) -> None:
    endpoint.play(Answer(status, {"Location": "/elsewhere"}))
    assert isinstance(connect().send(BATCH), Refused)
    assert len(endpoint.requests) == 1


def test_413_asks_for_smaller_batches(endpoint: Endpoint, connect: Connect) -> None:
    endpoint.play(Answer(413))
    assert isinstance(connect().send(BATCH), TooLarge)


NOW = ManualClock().now()


@pytest.mark.parametrize(
    ("headers", "after_s"),
    [
        ({"Retry-After": "30"}, 30.0),
        ({"Retry-After": "999999"}, 3_600.0),
        ({"Retry-After": "-5"}, 0.0),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": formatdate(90.0, usegmt=True), "Date": formatdate(30.0, usegmt=True)}, 60.0),
        ({"Retry-After": formatdate(NOW + 120.0, usegmt=True), "Date": "?"}, 120.0),
    ],
)
def test_retry_after_is_honoured_in_seconds_and_as_a_date_of_the_endpoints_clock(
    connect: Connect, headers: dict[str, str], after_s: float | None
) -> None:
    response = requests.Response()
    response.headers.update(headers)
    assert connect()._channel._retry_after(response) == after_s


def test_retry_after_comes_with_the_outcome(endpoint: Endpoint, connect: Connect) -> None:
    endpoint.play(Answer(429, {"Retry-After": "17"}))
    outcome = connect().send(BATCH)
    assert isinstance(outcome, RetryLater)
    assert outcome.after_s == 17.0


def test_an_endpoint_that_does_not_answer_in_time_is_tried_again(endpoint: Endpoint, connect: Connect) -> None:
    endpoint.play(Slow())
    assert reason(connect(HASTY).send(BATCH)).endswith("no answer within the time limit")


def test_an_endpoint_that_trickles_its_answer_meets_the_limit_of_the_whole_exchange(
    endpoint: Endpoint, connect: Connect
) -> None:
    endpoint.play(Trickle())
    assert reason(connect(HASTY).send(BATCH)).endswith("no answer within the time limit")


@pytest.mark.parametrize("step", [CutRequest(), CutResponse(), TlsFailure()])
def test_a_connection_that_is_cut_is_tried_again_and_the_next_attempt_goes_through(
    endpoint: Endpoint, connect: Connect, step: CutRequest | CutResponse | TlsFailure
) -> None:
    endpoint.play(step)
    sink = connect()
    assert reason(sink.send(BATCH)).endswith("the connection was cut")
    assert sink.send(BATCH) == Accepted()


def test_an_endpoint_that_is_down_is_tried_again(connect: Connect) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        outcome = connect(url=f"https://127.0.0.1:{reserved.getsockname()[1]}/").send(BATCH)
    assert reason(outcome).endswith("connection refused")


def test_a_certificate_that_the_system_does_not_trust_is_not_accepted(endpoint: Endpoint, connect: Connect) -> None:
    assert "its certificate is not trusted" in reason(connect(ca_file=None).send(BATCH))
    assert endpoint.requests == []


def test_a_bundle_named_by_the_environment_is_not_trusted(
    endpoint: Endpoint, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(endpoint.ca_file(tmp_path)))
    assert "its certificate is not trusted" in reason(connect(ca_file=None).send(BATCH))


def test_a_certificate_for_another_name_is_not_accepted(endpoint: Endpoint, connect: Connect) -> None:
    assert "its certificate is not trusted" in reason(connect(url=f"https://localhost:{endpoint.port}").send(BATCH))


def test_mutual_tls_shows_the_client_certificate(tmp_path: Path, connect: Connect) -> None:
    issuer = trustme.CA()
    ours = issuer.issue_cert("device-1.example.com")
    ours.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "client.pem"))
    with Endpoint(client_ca=issuer) as strict:
        given = {"url": strict.url, "ca_file": strict.ca_file(tmp_path)}
        assert isinstance(connect(**given).send(BATCH), RetryLater)
        assert connect(**given, cert_file=tmp_path / "client.pem").send(BATCH) == Accepted()


@pytest.mark.parametrize("missing", ["ca_file", "cert_file"])
def test_a_certificate_file_that_is_missing_is_said_and_tried_again(
    connect: Connect, tmp_path: Path, missing: str
) -> None:
    outcome = connect(**{missing: tmp_path / "none.pem"}).send(BATCH)
    assert "TLS cannot be set up" in reason(outcome)
    assert reason(outcome).endswith("no such file or directory")


def test_a_credential_in_netrc_does_not_take_the_tokens_place(
    endpoint: Endpoint, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    connect().send(BATCH)
    connect(token=None).send(BATCH)
    assert [request.headers["Authorization"] for request in endpoint.requests] == [f"Bearer {TOKEN}", None]


def test_no_secret_shows_in_a_repr_a_reason_or_the_log(
    endpoint: Endpoint, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    endpoint.play(Answer(401), Answer(500), CutResponse())
    sink = connect(hmac_key=KEY, url=f"{endpoint.url}?key={TOKEN}")
    told = [repr(sink.send(BATCH)) for _ in range(4)]
    told += [repr(sink), repr(sink._target), repr(sink._channel), caplog.text]
    assert not any(TOKEN in text or KEY.decode() in text for text in told)
    assert told[0] != told[1]


@pytest.mark.parametrize("token", [f"{TOKEN}\nX-Evil: 1", f"{TOKEN}é", f"{TOKEN} ", ""])
def test_a_token_that_a_header_cannot_hold_is_refused_without_quoting_it(token: str) -> None:
    with pytest.raises(ValueError, match="characters that a header cannot") as caught:
        HttpsTarget(url="https://reports.example.com/", device_id="d", token=token)
    assert TOKEN not in str(caught.value)


def test_an_attempt_that_begins_just_after_the_end_of_the_daemon_does_not_hold_it_up(
    endpoint: Endpoint, connect: Connect
) -> None:
    sink = connect()
    sink.abort()
    assert reason(sink.send(BATCH)).endswith("the connection was cut")
    assert endpoint.requests == []


def test_an_attempt_that_is_under_way_can_be_ended_from_another_thread(endpoint: Endpoint, connect: Connect) -> None:
    endpoint.play(Slow())
    sink, outcomes = connect(HttpsLimits(read_s=60.0, total_s=60.0)), list[Outcome]()
    thread = threading.Thread(target=lambda: outcomes.append(sink.send(BATCH)))
    thread.start()
    while not endpoint.requests:
        threading.Event().wait(0.005)
    sink.abort()
    thread.join(10)
    assert [reason(outcome).rpartition(": ")[2] for outcome in outcomes] == ["the connection was cut"]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://reports.example.com/", "must be https"),
        ("http://127.0.0.1.example.com/", "must be https"),
        ("ftp://reports.example.com/", "must be a URL like"),
        ("reports.example.com", "must be a URL like"),
        ("https://", "must be a URL like"),
        ("https://user:tok-canary-51c2@reports.example.com/", "must not hold a credential"),
    ],
)
def test_an_endpoint_that_would_not_be_safe_is_refused_without_quoting_it(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        HttpsTarget(url=url, device_id="d")
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("configured", [True, False], ids=["in the settings", "in the environment"])
def test_a_proxy_is_used_as_a_tunnel_and_cannot_read_along(
    endpoint: Endpoint, connect: Connect, monkeypatch: pytest.MonkeyPatch, *, configured: bool
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with Proxy() as proxy:
        if not configured:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        assert connect(proxy=proxy.url if configured else "system").send(BATCH) == Accepted()
        assert proxy.tunnels == [f"127.0.0.1:{endpoint.port}"]
    assert list(endpoint.batches) == ["batch-1"]


@pytest.mark.parametrize("status", [403, 407, 502])
def test_a_proxy_that_opens_no_tunnel_is_named_and_tried_again(connect: Connect, status: int) -> None:
    with Proxy(status) as proxy:
        outcome = connect(proxy=proxy.url).send(BATCH)
    assert isinstance(outcome, RetryLater)
    assert f"through the proxy {proxy.url.removeprefix('http://')}: the proxy opens no way there" in outcome.reason
    assert f"it answered {status}" in outcome.reason
    assert ("proxy_credential_file" in outcome.reason) == (status == 407)


def test_plain_http_to_this_very_machine_delivers_too(connect: Connect) -> None:
    with Endpoint(tls=False) as plain:
        assert connect(url=plain.url).send(BATCH) == Accepted()
        assert list(plain.batches) == ["batch-1"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/", "http://[::1]/", "http://localhost/"])
def test_plain_http_is_allowed_to_this_very_machine(url: str) -> None:
    assert HttpsTarget(url=url, device_id="d").url == url


def test_what_is_sent_is_the_very_line_that_is_stored(endpoint: Endpoint, connect: Connect) -> None:
    line = '{"text":"as it was spelt",  "metadata":{"sequence":7}}'  # an event that is read and written anew loses its blanks
    assert connect().send(Batch("batch-1", 7, 7, (line,))) == Accepted()
    assert gzip.decompress(endpoint.requests[0].body).decode() == f"{line}\n"

"""Which way leads to a destination; and through a real proxy, in a process of its own, which wants a credential."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.ports import Accepted, Outcome, RetryLater
from agent.sinks.https import HttpsSink, HttpsTarget
from agent.sinks.proxies import of_list, proxy_for, shown
from tests.sim.batches import batch_of
from tests.sim.clock import ManualClock
from tests.sim.endpoint import Endpoint

URL = "https://reports.example.com/v1/events"
PROXY = "http://proxy.example.com:3128"
VARIABLES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_the_system_prescribes_none() -> None:
    assert proxy_for(URL, "system") is None


@pytest.mark.parametrize(
    ("no_proxy", "way"),
    [
        ("", PROXY),
        ("other.example.com", PROXY),
        ("reports.example.com", None),
        (".example.com", None),
        ("example.com", None),
        ("*", None),
    ],
)
def test_no_proxy_names_what_is_reached_straight(
    monkeypatch: pytest.MonkeyPatch, no_proxy: str, way: str | None
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert proxy_for(URL, "system") == way


def test_what_the_settings_say_goes_before_what_the_system_prescribes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://other.example.com")
    monkeypatch.setenv("NO_PROXY", "*")
    assert proxy_for(URL, PROXY) == PROXY
    assert proxy_for(URL, "none") is None


def test_a_credential_goes_along_escaped_and_is_not_shown() -> None:
    way = proxy_for(URL, PROXY, "an n:p@ss:w/rd")
    assert way == "http://an%20n:p%40ss%3Aw%2Frd@proxy.example.com:3128"
    assert shown(way) == "proxy.example.com:3128"


@pytest.mark.parametrize(
    ("proxies", "bypass", "way"),
    [
        ("proxy.example.com:3128", "", PROXY),
        ("http=a:80;https=proxy.example.com:3128", "", PROXY),
        ("http=a:80", "", None),
        ("", "", None),
        ("proxy.example.com:3128", "*.corp.example;<local>", PROXY),
        ("proxy.example.com:3128", "<local>;*.EXAMPLE.com", None),
        ("https://proxy.example.com", "", "https://proxy.example.com"),
    ],
)
def test_a_list_as_windows_keeps_it_is_read_as_windows_reads_it(proxies: str, bypass: str, way: str | None) -> None:
    assert of_list(URL, proxies, bypass) == way


def test_a_name_without_a_dot_is_local_to_windows() -> None:
    assert of_list("https://intranet/x", "proxy:1", "<local>") is None


CREDENTIAL = "agent:pr0xy-canary-p@ss"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """proxy.py on loopback, which lets in who knows the credential."""
    port = tmp_path_factory.mktemp("proxy") / "port"
    options = ["--hostname", "127.0.0.1", "--port", "0", "--port-file", str(port), "--num-workers", "1"]
    command = [sys.executable, "-m", "proxy", *options, "--num-acceptors", "1", "--basic-auth", CREDENTIAL]
    environment = {"PATH": os.defpath, "HOME": str(port.parent)}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment) as running:
        try:
            deadline = time.monotonic() + 20
            while not port.exists() or not port.read_text():
                assert running.poll() is None
                assert time.monotonic() < deadline, "the proxy does not start"
                time.sleep(0.02)
            yield f"http://127.0.0.1:{port.read_text().strip()}"
        finally:
            running.terminate()


def sent(tmp_path: Path, **given: str) -> tuple[Outcome, int]:
    """Send a batch to an endpoint; return what came of it, and how many requests arrived."""
    batch = batch_of("b", 1, 1, ({"metadata": {"sequence": 1}},))
    with Endpoint() as endpoint:
        target = HttpsTarget(url=endpoint.url, ca_file=endpoint.ca_file(tmp_path), device_id="d", **given)  # type: ignore[arg-type]
        sink = HttpsSink(target, ManualClock())
        outcome = sink.send(batch)
        sink.close()
        return outcome, len(endpoint.requests)


def test_reports_go_through_a_real_proxy_with_the_credential_of_the_settings(proxy: str, tmp_path: Path) -> None:
    assert sent(tmp_path, proxy=proxy, proxy_credential=CREDENTIAL) == (Accepted(), 1)


def test_reports_go_through_the_proxy_of_the_environment_too(
    proxy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    assert sent(tmp_path, proxy_credential=CREDENTIAL) == (Accepted(), 1)


def test_a_proxy_that_does_not_know_the_credential_is_told_with_what_to_do_and_without_the_credential(
    proxy: str, tmp_path: Path
) -> None:
    outcome, arrived = sent(tmp_path, proxy=proxy, proxy_credential="agent:wr0ng-canary")
    assert isinstance(outcome, RetryLater)
    assert outcome.reason.endswith("it answered 407): it wants a credential, see [network] proxy_credential_file")
    assert shown(proxy) in outcome.reason
    assert "canary" not in outcome.reason
    assert arrived == 0


def test_a_destination_that_is_reached_straight_does_without_the_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")  # nobody is there
    assert sent(tmp_path, proxy="none") == (Accepted(), 1)
    assert isinstance(sent(tmp_path)[0], RetryLater)
    monkeypatch.setenv("NO_PROXY", "127.0.0.0/8")
    assert sent(tmp_path) == (Accepted(), 1)

"""Devices that prove themselves by a certificate: the real sink of the agent, real TLS, and what a proxy may say instead."""

import base64
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
import requests
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Engine, select

from agent.ports import Accepted, Outcome, Refused, RetryLater
from agent.runtime.clock import SystemClock
from agent.sinks.https import HttpsSink, HttpsTarget
from central.core.receive import Taken
from central.core.refusal import Refusal
from central.store import certifying, enrolling
from central.store.engine import reading, writing
from central.store.schema import credentials
from central.web.certificates import name_of
from tests.sim.central import Receiver
from tests.sim.reporter import Reporter
from tests.sim.serving import Served, serving


@dataclass
class Place:
    """A running endpoint that asks for certificates of `ca`."""

    served: Served
    ca: trustme.CA
    folder: Path

    def sends(self, reporter: Reporter, issuer: trustme.CA | None = None, subject: str | None = None) -> Outcome:
        """Send what waits as the agent does, with a certificate of `issuer`, or none."""
        pem = None
        if issuer is not None:
            pem = self.folder / f"{subject or reporter.id}.pem"
            certificate = issuer.issue_cert(f"{reporter.id}.devices.example", common_name=subject or reporter.id)
            certificate.private_key_and_cert_chain_pem.write_to_path(str(pem))
        target = HttpsTarget(
            url=f"{self.served.url}/v1/events",
            device_id=reporter.id,
            ca_file=Path(str(self.served.verify)),
            cert_file=pem,
            key_file=pem,
        )
        sink = HttpsSink(target, SystemClock())
        reporter.beats()
        try:
            return sink.send(reporter.batch())
        finally:
            sink.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    own, devices = trustme.CA(), trustme.CA()
    own.cert_pem.write_to_path(str(tmp_path / "own-ca.pem"))
    devices.cert_pem.write_to_path(str(tmp_path / "device-ca.pem"))
    own.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "own.pem"))
    settings = [
        f'tls_certificate_file = "{tmp_path}/own.pem"',
        f'tls_key_file = "{tmp_path}/own.pem"',
        f'client_ca_file = "{tmp_path}/device-ca.pem"',
    ]
    with serving(tmp_path / "central", None, settings, verify=str(tmp_path / "own-ca.pem")) as served:
        yield Place(served, devices, tmp_path)


def test_the_agent_reports_with_its_certificate_and_only_as_itself(place: Place, tmp_path: Path) -> None:
    laptop, other = Reporter(tmp_path), Reporter(tmp_path, "2")
    assert place.sends(laptop, place.ca) == Accepted()  # nobody enrolled it: the certificate did

    nobody = place.sends(other)
    assert isinstance(nobody, Refused)
    assert "401" in nobody.reason

    foreign = place.sends(other, trustme.CA())
    assert isinstance(foreign, RetryLater)  # no answer at all: TLS ends before a request is read

    assert place.sends(other, place.ca) == Accepted()
    posing = place.sends(laptop, place.ca, subject=other.id)
    assert isinstance(posing, Refused)
    assert "401" in posing.reason
    headers = {"X-Device-Id": laptop.id, "Idempotency-Key": "b" * 16, "Client-Cert": ":AAAA:", "Connection": "close"}
    address, verify = f"{place.served.url}/v1/events", place.served.verify
    with requests.post(address, b"{}", headers=headers, verify=verify, timeout=5) as answer:
        assert answer.json()["code"] == "credential-missing"


def subject(name: str) -> str:
    return f"CN={name}"


@pytest.fixture
def receiver(engine: Engine) -> Receiver:
    return Receiver(engine)


def certified(reporter: Reporter, name: str, receiver: Receiver) -> Taken | Refusal:
    reporter.beats()
    envelope = replace(reporter.sends(), credential=None, certificate=subject(name))
    (outcome,) = receiver.takes(envelope)
    return outcome


def bound(engine: Engine) -> dict[str, str | None]:
    with reading(engine) as connection:
        return {row.device: row.certificate for row in connection.execute(select(credentials))}


def test_a_machine_installed_anew_takes_its_certificate_along_once_its_earlier_id_is_quiet(
    receiver: Receiver, engine: Engine, tmp_path: Path
) -> None:
    before, after = Reporter(tmp_path), Reporter(tmp_path, "2")
    assert isinstance(certified(before, "laptop-7", receiver), Taken)
    early = certified(after, "laptop-7", receiver)
    assert isinstance(early, Refusal)
    assert (early.code, early.status, early.retry_after_s) == ("certificate-taken", 429, 300)
    receiver.now += certifying.QUIET_S
    assert isinstance(certified(after, "laptop-7", receiver), Taken)
    assert bound(engine) == {before.id: None, after.id: subject("laptop-7")}
    late = certified(before, "laptop-7", receiver)
    assert isinstance(late, Refusal)
    assert late.code == "certificate-taken"


def test_who_was_revoked_does_not_come_back_under_another_id(
    receiver: Receiver, engine: Engine, tmp_path: Path
) -> None:
    thief = Reporter(tmp_path)
    certified(thief, "stolen", receiver)
    with writing(engine) as connection:
        enrolling.revoke(connection, thief.id, "test", receiver.now)
    receiver.now += certifying.QUIET_S
    for reporter in (thief, Reporter(tmp_path, "2")):
        outcome = certified(reporter, "stolen", receiver)
        assert isinstance(outcome, Refusal)
        assert outcome.code == "credential-revoked"


def test_a_certificate_takes_over_no_device_that_has_a_credential(
    receiver: Receiver, engine: Engine, tmp_path: Path
) -> None:
    laptop = Reporter(tmp_path)
    receiver.admits(laptop)
    outcome = certified(laptop, "another", receiver)
    assert isinstance(outcome, Refusal)
    assert outcome.code == "credential-unknown"
    assert bound(engine) == {laptop.id: None}


def header(laptop: Reporter, form: str) -> str:
    """Return what a proxy says of the certificate of `laptop`."""
    pem = trustme.CA().issue_cert("laptop.example", common_name=laptop.id).cert_chain_pems[0].bytes()
    if form == "nginx":
        return quote(pem)
    return f":{base64.b64encode(ssl.PEM_cert_to_DER_cert(pem.decode())).decode()}:"


def behind_a_proxy(served: Served, laptop: Reporter, form: str, *certificates: str) -> tuple[int, str]:
    """Report as it comes from a proxy, with what that says of certificates; return how it was answered."""
    laptop.beats()
    envelope = laptop.sends()
    headers = {"X-Device-Id": laptop.id, "Idempotency-Key": envelope.batch, "Content-Encoding": "gzip"}
    if certificates:
        headers["X-Cert"] = certificates[0]
    if form == "rfc9440":
        headers["X-Forwarded-For"] = "10.9.8.7"  # who is behind the proxy is not whose header counts
    got = requests.post(f"{served.url}/v1/events", envelope.body, headers=headers, timeout=5)
    return got.status_code, got.json().get("code", "")


FORMS = ("rfc9440", "nginx")
HEADER, TRUSTED = 'client_certificate_header = "X-Cert"', 'trusted_proxies = ["127.0.0.1"]'


def test_behind_a_proxy_its_header_counts_where_a_setting_says_so(tmp_path: Path) -> None:
    with serving(tmp_path / "trusting", None, [HEADER, TRUSTED]) as served:
        for number, form in enumerate(FORMS):
            laptop = Reporter(tmp_path, f"{number + 1}")
            assert behind_a_proxy(served, laptop, form, header(laptop, form)) == (200, ""), form
            assert behind_a_proxy(served, laptop, form) == (401, "credential-missing"), form
            assert behind_a_proxy(served, laptop, form, "junk") == (400, "header-invalid"), form


@pytest.mark.parametrize("settings", [[HEADER, 'trusted_proxies = ["10.0.0.0/8"]'], []], ids=["elsewhere", "deaf"])
def test_without_that_setting_or_from_another_place_a_proxy_s_header_counts_for_nothing(
    tmp_path: Path, settings: list[str]
) -> None:
    with serving(tmp_path / "central", None, settings) as served:
        for number, form in enumerate(FORMS):
            laptop = Reporter(tmp_path, f"{number + 1}")
            said = behind_a_proxy(served, laptop, form, header(laptop, form))
            assert said == (401, "credential-missing"), form


def test_a_certificate_goes_by_its_subject_or_its_first_name() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.UniformResourceIdentifier("urn:device:7"), x509.DNSName("laptop.example")]

    def der(subject: str, valid_days: int) -> bytes:
        now = datetime.now(UTC)
        made = x509.CertificateBuilder(
            x509.Name.from_rfc4514_string("CN=a CA"),
            x509.Name.from_rfc4514_string(subject),
            key.public_key(),
            x509.random_serial_number(),
            now,
            now + timedelta(days=valid_days),
        ).add_extension(x509.SubjectAlternativeName(names), critical=False)
        return made.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)

    assert (
        name_of(der("CN=laptop-7,O=Example", 30))
        == name_of(der("CN=laptop-7,O=Example", 60))
        == "CN=laptop-7,O=Example"
    )
    assert name_of(der("", 30)) == "UniformResourceIdentifier:urn:device:7"
    assert name_of(b"junk") is None


def test_the_program_ends_though_a_client_keeps_its_connection(place: Place) -> None:
    """A pool of connections answers no farewell in TLS until it is used again; what is under way has 10 s."""
    with requests.Session() as session:
        assert session.get(f"{place.served.url}/healthz", timeout=5, verify=place.served.verify).ok
        told = time.monotonic()
        place.served.stop()
        assert time.monotonic() - told < 6

"""An identity provider that is away, or answers as none should, costs the button that leads there and nothing else."""

import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socket import create_server
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.sim.house import House


@contextmanager
def answering(with_what: Callable[[str], dict[str, Any]] | bytes) -> Iterator[str]:
    """Give the address of a provider that answers everything with these bytes, or with what a path gives."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = with_what if isinstance(with_what, bytes) else json.dumps(with_what(self.path)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *_: object) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def refused(house: House, issuer: str) -> None:
    house.provided_by(issuer)
    browser = house.browser()
    assert "/sign-in/provider" in browser.get("/sign-in").text
    answer = browser.get("/sign-in/provider")
    assert answer.status_code == 502
    assert "The identity provider does not answer as it should" in answer.text
    assert browser.signs_in("vera").status_code == 303, "local accounts are the way in meanwhile"


def test_one_that_is_away(house: House) -> None:
    with create_server(("127.0.0.1", 0)) as taken:
        issuer = f"http://127.0.0.1:{taken.getsockname()[1]}"
    refused(house, issuer)


@pytest.mark.parametrize("body", [b"<html>maintenance</html>", b"[]", b"{}", b'{"authorization_endpoint": 1}', b"\xff"])
def test_one_that_answers_as_none_should(house: House, body: bytes) -> None:
    with answering(body) as issuer:
        refused(house, issuer)


def test_an_answer_for_which_nobody_left_signs_nobody_in(house: House) -> None:
    house.provided_by("http://127.0.0.1:1")
    answer = house.browser().get("/sign-in/provider/return?code=x&state=y")
    assert answer.status_code == 403
    assert "try again" in answer.text


class Issuing:
    """A provider that signs in `sub`, says `claims` of it in the token, and `more` when it is asked for more."""

    def __init__(self, sub: str, claims: dict[str, Any], more: dict[str, Any]) -> None:
        self.sub, self.claims, self.more, self.nonce, self.issuer = sub, claims, more, "", ""
        self._key = ECKey.generate_key("P-256", {"kid": "1", "alg": "ES256", "use": "sig"})

    def __call__(self, path: str) -> dict[str, Any]:
        now = int(time.time())
        said = {"iss": self.issuer, "aud": "central", "sub": self.sub, "nonce": self.nonce, "iat": now, "exp": now + 60}
        told = jwt.encode({"alg": "ES256", "kid": "1"}, said | self.claims, self._key, algorithms=["ES256"])
        answers: dict[str, dict[str, Any]] = {
            "/.well-known/openid-configuration": {
                "issuer": self.issuer,
                "id_token_signing_alg_values_supported": ["ES256"],
                **{f"{one}_endpoint": f"{self.issuer}/{one}" for one in ("authorization", "token", "userinfo")},
                "jwks_uri": f"{self.issuer}/keys",
            },
            "/token": {"access_token": "a", "token_type": "Bearer", "id_token": told},
            "/keys": {"keys": [self._key.as_dict(private=False)]},
            "/userinfo": self.more,
        }
        return answers[path]


def signed_in_by(house: House, provider: Issuing) -> int:
    """Let a browser come back from `provider`; return the status that it gets."""
    with answering(provider) as issuer:
        provider.issuer = issuer
        house.provided_by(issuer)
        browser = house.browser()
        sent = parse_qs(urlsplit(browser.get("/sign-in/provider").headers["location"]).query)
        provider.nonce = sent["nonce"][0]
        return browser.get(f"/sign-in/provider/return?code=c&state={sent['state'][0]}").status_code


@pytest.mark.parametrize(
    ("claims", "more", "status"),
    [
        ({"groups": ["soc-team"]}, {}, 303),
        ({}, {"sub": "one", "groups": ["soc-team"]}, 303),
        ({}, {"sub": "another", "groups": ["soc-team"]}, 403),
        ({}, {"groups": ["soc-team"]}, 403),
        ({"groups": ["soc-team-of-others"]}, {}, 403),
        ({"aud": "another program", "groups": ["soc-team"]}, {}, 502),
        ({"nonce": "of another sign-in", "groups": ["soc-team"]}, {}, 502),
    ],
)
def test_a_role_comes_from_what_the_provider_says_of_who_signs_in_and_of_nobody_else(
    house: House, claims: dict[str, Any], more: dict[str, Any], status: int
) -> None:
    assert signed_in_by(house, Issuing("one", claims, more)) == status


def test_a_sign_in_by_the_provider_is_one_attempt_from_its_address(house: House) -> None:
    provider = Issuing("one", {"groups": ["soc-team"]}, {})
    with answering(provider) as issuer:
        provider.issuer = issuer
        house.provided_by(issuer)
        browser = house.browser()
        said = [browser.get("/sign-in/provider").status_code for _ in range(32)]
        assert said == [302] * 30 + [429] * 2
        assert browser.get("/sign-in/provider/return?error=access_denied").status_code == 403, "the way back is open"


def test_log_injection_and_flooding_by_what_is_no_answer_of_the_provider(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.provided_by("http://127.0.0.1:9")
    browser = house.browser()
    forged = "/sign-in/provider/return?error=x%0AWARNING+an+administrator+signed+in"
    said = [browser.get(forged).status_code for _ in range(32)]
    assert said == [403] * 30 + [429] * 2
    assert {record.getMessage() for record in caplog.records if record.name == "central.web.provider"} == {
        "sign-in by the provider failed: for another reason"
    }

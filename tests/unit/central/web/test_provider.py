"""An identity provider that is away, or answers as none should, costs the button that leads there and nothing else."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socket import create_server

import pytest

from tests.sim.house import House


@contextmanager
def answering(body: bytes) -> Iterator[str]:
    """Give the address of a provider that answers everything with `body`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

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

"""Canaries, one by one: no shape of a secret survives the redaction of a command line or of a URL."""

import pytest

from agent.core.redaction import redact_command, redact_text, redact_url
from tests.sim.canaries import COMMANDS, STRONG_COMMANDS, STRONG_URLS, URLS, Canaries, Shape

STRONG: dict[str, Shape] = dict([*COMMANDS.items(), *STRONG_COMMANDS.items()])
EVERY_URL = dict([*URLS.items(), *STRONG_URLS.items()])


@pytest.mark.parametrize("name", STRONG)
def test_no_value_of_a_command_line_survives(name: str) -> None:
    canaries = Canaries()
    line = STRONG[name](canaries.strong(name))
    assert canaries.found_in(*redact_command(line)) == {}
    assert canaries.found_in(redact_text(" ".join(line))) == {}


@pytest.mark.parametrize("name", COMMANDS)
def test_no_password_of_plain_words_survives_where_it_stands_as_one(name: str) -> None:
    canaries = Canaries()
    assert canaries.found_in(*redact_command(COMMANDS[name](canaries.weak(name)))) == {}


@pytest.mark.parametrize("name", EVERY_URL)
def test_no_value_of_a_url_survives(name: str) -> None:
    canaries = Canaries()
    url = EVERY_URL[name](canaries.strong(name))
    assert canaries.found_in(redact_url(url), redact_text(f"cannot reach {url}, sorry")) == {}


@pytest.mark.parametrize("name", URLS)
def test_no_password_of_plain_words_survives_in_a_url(name: str) -> None:
    canaries = Canaries()
    assert canaries.found_in(redact_url(URLS[name](canaries.weak(name)))) == {}

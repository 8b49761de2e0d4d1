import base64
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.redaction import redact_command, redact_name, redact_text, redact_url
from agent.core.secret_looks import MASK

CANARY = "hunter2SECRETcanary9000"

UGLY = [
    ["srv", "--token", CANARY],
    ["srv", f"--token={CANARY}"],
    ["srv", f"--api-key={CANARY}"],
    ["srv", "--API_KEY", CANARY],
    ["srv", f"--header=Authorization: Bearer {CANARY}"],
    ["srv", "--header", f"Authorization: Bearer {CANARY}"],
    ["srv", "--header", f"X-Anything:{CANARY}"],
    ["srv", "-H", f"x-api-key: {CANARY}"],
    ["docker", "run", "-e", f"KEY={CANARY}", "image"],
    ["docker", "run", "--env", f"lower={CANARY}", "image"],
    ["docker", "run", f"--env=KEY={CANARY}", "image"],
    ["env", f"TOKEN={CANARY}", "npx", "pkg"],
    ["sh", "-c", f"TOKEN={CANARY} npx pkg --password {CANARY}"],
    ["sh", "-c", f"curl -H 'Authorization: Bearer {CANARY}' https://x.example"],
    ["bash", "-lc", f"export A_SECRET='{CANARY}'; npx pkg"],
    ["npx", "mcp-remote", f"https://user:{CANARY}@host.example/sse"],
    ["npx", "mcp-remote", f"https://{CANARY}@host.example/sse"],
    ["npx", "mcp-remote", f"https://a@b:{CANARY}@host.example/sse"],
    ["npx", "mcp-remote", f"https://u:p@ss/{CANARY}@host.example/sse"],
    ["npx", "mcp-remote", f"https://host.example/sse?key={CANARY}"],
    ["npx", "mcp-remote", f"https://host.example/sse?a=1&b={CANARY}#x"],
    ["npx", "mcp-remote", f"https://host.example/sse#access_token={CANARY}"],
    ["npx", "mcp-remote", f"https://host.example/s/{CANARY}/sse"],
    ["uvx", "--from", f"git+https://{CANARY}@git.example/x/y@v1", "srv"],
    ["srv", f"postgres://app:{CANARY}@db.example:5432/app"],
    ["srv", f"--dsn=postgres://app:{CANARY}@db.example/app"],
    ["srv", base64.b64encode(CANARY.encode()).decode()],
    ["srv", f"password={CANARY}"],
    ["srv", f'{{"token":"{CANARY}"}}'],
]
KNOWN_SECRETS = [
    "sk-ant-api03-AbCdEfGhIjKlMnOpQrSt",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "github_pat_11ABCDEFG0abcdefghij_klmnop",
    "glpat-AbCdEfGhIjKlMnOpQrSt",
    "xoxb-123456789012-abcdefghijkl",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "123e4567-e89b-12d3-a456-426614174000",
    "npm_AbCdEfGhIjKlMnOpQrStUvWx1234",
]
PLAIN = [
    ["npx", "-y", "@modelcontextprotocol/server-everything@2026.8.31", "stdio"],
    ["uvx", "mcp-server-time", "--local-timezone", "Europe/Berlin"],
    ["docker", "run", "-i", "--rm", "ghcr.io/acme/server@sha256:" + "0a" * 32],
    ["node", "/home/alice/.npm/_npx/5b2dd62b9d0bddd4/node_modules/.bin/mcp-server-everything"],
    ["C:\\Program Files\\nodejs\\npx.cmd", "-y", "@scope/package-with-a-rather-long-name"],
    ["/opt/uvcache/archive-v0/ah-LMKoXZeM3wKey/bin/python", "-m", "server"],
    ["npx", "mcp-remote", "https://mcp.example.com:8443/v1/mcp"],
]


@pytest.mark.parametrize("command", UGLY, ids=lambda command: " ".join(command).replace(CANARY, "CANARY")[:60])
def test_no_shape_of_a_secret_in_a_command_survives(command: list[str]) -> None:
    shown = " ".join(redact_command(command))
    assert CANARY not in shown
    assert base64.b64encode(CANARY.encode()).decode() not in shown
    assert MASK in shown


@pytest.mark.parametrize("secret", KNOWN_SECRETS)
def test_a_well_known_kind_of_secret_is_dropped_wherever_it_stands(secret: str) -> None:
    assert secret not in redact_text(f"failed to start with {secret}, try again")
    assert secret not in redact_url(f"https://host.example/{secret}/mcp")
    assert secret not in " ".join(redact_command(["srv", secret]))


@pytest.mark.parametrize("command", PLAIN, ids=lambda command: command[0] + " " + command[-1][:30])
def test_what_identifies_a_server_stays_readable(command: list[str]) -> None:
    assert redact_command(command) == tuple(command)


def test_the_name_of_a_variable_stays_and_its_value_goes() -> None:
    assert redact_command(["docker", "run", "-e", "GITHUB_TOKEN=abc", "-e", "HOME"]) == (
        "docker",
        "run",
        "-e",
        "GITHUB_TOKEN=***",
        "-e",
        "HOME",
    )


def test_an_at_sign_in_a_path_is_not_taken_for_user_information() -> None:
    assert redact_url("https://host.example/npm/@scope/pkg") == "https://host.example/npm/@scope/pkg"


@pytest.mark.parametrize("piece", ["x", "a=", "a//", "a+://", "eyJ", "\\", '"a":"', "token=x;"])
def test_a_word_as_long_as_a_user_may_write_one_takes_no_time(piece: str) -> None:
    word = (piece * 64_000)[:64_000]
    began = process_time()
    redact_command(["srv", word])
    redact_url(f"https://{word}")
    redact_name(word)
    assert process_time() - began < 5  # it took over a minute while patterns began anew at every letter


def test_a_url_begins_with_the_first_letter_before_its_colon() -> None:
    assert redact_text("x=1.git+ssh://u:p@h.example/") == "x=1.git+ssh://***@h.example/"
    assert redact_text("(//u:p@h.example/") == "(//***@h.example/"
    assert redact_text("7://u:p@h.example/") == "7://***@h.example/"


def test_what_looks_like_the_value_of_a_pair_may_be_a_name_itself() -> None:
    assert redact_text("a=token=x1;b=c") == "a=token=***;b=c"
    assert redact_text("b=1,9.token='x1','y'") == "b=1,9.token='***','y'"


@given(st.lists(st.text(max_size=60), max_size=8))
def test_redaction_is_total_and_idempotent(command: list[str]) -> None:
    once = redact_command(command)
    assert len(once) == len(command)
    assert redact_command(once) == once


@given(st.text(max_size=200))
def test_redacting_a_url_or_a_text_twice_changes_nothing_more(text: str) -> None:
    assert redact_url(redact_url(text)) == redact_url(text)
    assert redact_text(redact_text(text)) == redact_text(text)

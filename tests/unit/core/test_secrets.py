"""Credentials in clear text: found in hundreds of shapes, told by place alone, and no reference taken for one."""

from collections.abc import Mapping
from itertools import product
from time import process_time

import pytest

from agent.core.assess.secrets import secret_deviations
from agent.core.place import Place
from agent.core.redaction import redact_command, redact_url
from agent.core.secrets import MOST, clear_text_secrets
from agent.core.server import Server, ServerScope, Transport

CORE = "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5bC7d"
TOKENS = {
    "github": f"ghp_{CORE[:36]}",
    "github-fine": f"github_pat_{CORE}",
    "gitlab": f"glpat-{CORE[:20]}",
    "slack": f"xoxb-123456789012-{CORE[:24]}",
    "aws": "AKIAIOSFODNN7QWERTYU",
    "google": f"AIzaSy{CORE[:33]}",
    "npm": f"npm_{CORE[:36]}",
    "hugging-face": f"hf_{CORE[:34]}",
    "stripe": f"sk_live_{CORE[:24]}",
    "openai": f"sk-proj-{CORE}",
    "anthropic": f"sk-ant-api03-{CORE}",
    "groq": f"gsk_{CORE}",
    "jwt": f"eyJhbGciOiJIUzI1NiJ9.{CORE}.{CORE}",
    "telegram": f"1234567890:{CORE[:35]}",
    "vault": f"hvs.{CORE}",
    "private-key": f"-----BEGIN RSA PRIVATE KEY-----{CORE}",
    "connection": f"AccountKey={CORE}==",
    "databricks": "dapi" + "a1b2c3d4" * 4,
}
NAMED = ["CorrectHorseBattery9", "hunter2hunter2", "p@ss:w/rd=x?y", "dXNlcjpwYXNzd29yZA==", "a" * 6 + "@@" + "b" * 6]


def server(
    command: tuple[str, ...] | None = None,
    url: str | None = None,
    env: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Server:
    return Server(
        client="x",
        user="ann",
        scope=ServerScope.USER,
        name="s",
        place=Place("/home/ann/f.json", "/mcpServers/s"),
        transport=Transport.STDIO if command else Transport.HTTP,
        command=command,
        url=url,
        env=env or {},
        headers=headers or {},
    )


SHAPES = {
    "env": lambda value: server(("run",), env={"API_TOKEN": value}),
    "env-odd-name": lambda value: server(("run",), env={"WHATEVER": value}),
    "header": lambda value: server(url="https://x.example/", headers={"Authorization": f"Bearer {value}"}),
    "header-odd": lambda value: server(url="https://x.example/", headers={"X-Key": value}),
    "option": lambda value: server(("run", "--token", value)),
    "option-equals": lambda value: server(("run", f"--api-key={value}")),
    "docker": lambda value: server(("docker", "run", "-e", f"GITHUB_TOKEN={value}", "image")),
    "assignment": lambda value: server(("env", f"SECRET={value}", "run")),
    "header-option": lambda value: server(
        ("npx", "mcp-remote", "https://x.example", "--header", f"Authorization: Bearer {value}")
    ),
    "query": lambda value: server(url=f"https://x.example/mcp?a=b&api_key={value.replace('&', '').replace('#', '')}"),
    "login": lambda value: server(url=f"https://user:{value}@x.example/mcp"),
    "login-in-env": lambda value: server(("run",), env={"DATABASE_URL": f"postgres://me:{value}@db/x"}),
    "login-in-argument": lambda value: server(("run", f"postgres://me:{value}@db.example/x")),
}
NAME_NEEDED = {"env-odd-name"}


@pytest.mark.parametrize(("shape", "kind"), list(product(SHAPES, TOKENS)))
def test_a_token_is_found_in_every_shape_and_never_told(shape: str, kind: str) -> None:
    planted = SHAPES[shape](TOKENS[kind])
    parts = clear_text_secrets(planted)
    assert parts
    told = " ".join(parts) + repr(list(secret_deviations([planted]))) + planted.key + repr(planted)
    assert TOKENS[kind] not in told
    assert CORE[:16] not in told
    shown = " ".join(redact_command(planted.command or ())) + redact_url(planted.url or "")
    assert TOKENS[kind] not in shown
    assert CORE[8:24] not in shown


@pytest.mark.parametrize(("shape", "value"), [(s, v) for s, v in product(SHAPES, NAMED) if s not in NAME_NEEDED])
def test_a_password_under_a_telling_name_is_found_and_never_told(shape: str, value: str) -> None:
    planted = SHAPES[shape](value)
    assert clear_text_secrets(planted)
    told = repr(list(secret_deviations([planted]))) + planted.key + repr(planted)
    told += " ".join(redact_command(planted.command or ())) + redact_url(planted.url or "")
    assert value not in told


@pytest.mark.parametrize(
    "value",
    [
        "",
        "${TOKEN}",
        "$TOKEN",
        "Bearer ${TOKEN}",
        "${input:token}",
        "${env:TOKEN}",
        "{env:TOKEN}",
        "%TOKEN%",
        "$(pass show x)",
        "op://vault/item/field",
        "<your token>",
        "YOUR_API_KEY",
        "your-token-here",
        "xxxxxxxx",
        "********",
        "changeme",
        "/run/secrets/token",
        "~/.ssh/id_ed25519",
        "C:\\keys\\token.txt",
        "true",
        "3600",
        "{{ secrets.TOKEN }}",
    ],
)
@pytest.mark.parametrize("shape", ["env", "header", "option", "option-equals", "docker"])
def test_a_reference_or_a_placeholder_is_no_credential(shape: str, value: str) -> None:
    assert clear_text_secrets(SHAPES[shape](value)) == ()


def test_an_entry_without_credentials_has_nothing_to_tell() -> None:
    plain = server(
        ("npx", "-y", "@scope/pkg@1.2.3", "--port", "8080", "/data"), env={"NODE_ENV": "production", "PATH": "/bin"}
    )
    assert clear_text_secrets(plain) == ()
    assert clear_text_secrets(server(url="https://x.example/mcp?version=20240101")) == ()
    assert list(secret_deviations([plain])) == []


def test_an_entry_is_reported_once_with_each_place_and_at_most_so_many() -> None:
    many = server(("run",), env={f"TOKEN_{n}_KEY": f"{TOKENS['github']}{n}" for n in range(50)})
    (found,) = secret_deviations([many, many])
    assert found.key.control == "server.secret-in-config"
    assert found.severity == "low"
    assert len([row for row in found.evidence if row.kind == "secret"]) == MOST
    assert found.evidence[1].text == "/home/ann/f.json at /mcpServers/s: the environment variable TOKEN_0_KEY"


@pytest.mark.parametrize("piece", ["a+://", "a://u:", "?a=", "/a"])
def test_a_word_as_long_as_a_user_may_write_one_takes_no_time(piece: str) -> None:
    began = process_time()
    clear_text_secrets(server(("run", (piece * 64_000)[:64_000])))
    assert process_time() - began < 3  # a password was looked for anew behind each `://`, for many seconds

"""Configured and observed command lines."""

import shlex

import pytest

from agent.core.correspondence import Strength, corresponds

EVERYTHING = "npx -y @modelcontextprotocol/server-everything"
NPX_BIN = "/h/.npm/_npx/5b2dd62b9d0bddd4/node_modules/.bin/mcp-server-everything"


def words(text: str) -> list[str]:
    return [text, "", ""] if text.startswith("npm exec ") else shlex.split(text)


@pytest.mark.parametrize(
    ("configured", "observed", "strength"),
    [
        ("python3 server.py 'a b'", "python3 server.py 'a b'", Strength.EXACT),
        ("python3 server.py '${HOME}/x' $USER", "python3 server.py /home/ann/x ann", Strength.EXACT),
        (EVERYTHING, "npm exec @modelcontextprotocol/server-everything", Strength.SAME),
        (EVERYTHING + " 'a b'", "npm exec @modelcontextprotocol/server-everything a b", Strength.SAME),
        (EVERYTHING, f"node {NPX_BIN}", Strength.YIELDS),
        ("npx -y --package=@s/p@1.0.0 -- tool /d", "npm exec tool /d", Strength.SAME),
        ("uvx mcp-server-time --x", "/opt/uv tool uvx mcp-server-time --x", Strength.SAME),
        ("uvx mcp-server-time", "/c/archive-v0/x/bin/python /c/archive-v0/x/bin/mcp-server-time", Strength.YIELDS),
        ("pipx run mcp-server-time", "/opt/uv tool run --python /usr/bin/python3 mcp-server-time", Strength.SAME),
        ("/v/bin/tool a", "/v/bin/python3.11 /v/bin/tool a", Strength.SAME),
        ("tool a", "/v/bin/python3.11 /v/bin/tool a", Strength.YIELDS),
        ("python -m mod a", "/usr/bin/python3 -m mod a", Strength.SAME),
        ("sh -c 'python3 s.py'", "python3 s.py", Strength.SAME),
        ("npx @s/p@latest", "node /x/node_modules/.pnpm/@s+p@2.0.0/node_modules/@s/p/index.js", Strength.YIELDS),
        ("env A=b docker run -i mcp/time", "docker run -i mcp/time", Strength.SAME),
    ],
)
def test_what_a_configured_command_yields_corresponds_with_it(
    configured: str, observed: str, strength: Strength
) -> None:
    match = corresponds(words(configured), words(observed))
    assert match is not None
    assert match.strength is strength


@pytest.mark.parametrize(
    ("configured", "observed"),
    [
        (EVERYTHING, "npm exec @modelcontextprotocol/server-everything stdio"),
        (EVERYTHING, "npm exec @evil/server-everything"),
        (EVERYTHING, "npm exec @modelcontextprotocol/server-everything@0.1.0"),
        (EVERYTHING, f"node {NPX_BIN.replace('5b2d', 'ffff')}"),
        ("npx -y pkg@1.0.0", "npm exec pkg@1.0.1"),
        ("npx -y pkg@1.0.0", "node /x/node_modules/.pnpm/pkg@1.0.1/node_modules/pkg/index.js"),
        ("npx -y pkg", "uv tool uvx pkg"),
        ("uvx pkg", "uv tool uvx --index-url https://evil.example pkg"),
        ("uvx pkg", "uv tool uvx --from other pkg"),
        ("docker run -i mcp/time", "docker run -i -v /:/host mcp/time"),
        ("/v/bin/tool a", "/tmp/tool a"),
        ("python3 /srv/server.py", "python3 /tmp/server.py"),
        ("python3 server.py", "python3 server.py --evil"),
        ("python3 server.py ${HOME}", "python3 other.py /home/ann"),
        ("", "npx pkg"),
    ],
)
def test_what_it_does_not_yield_does_not(configured: str, observed: str) -> None:
    assert corresponds(words(configured), words(observed)) is None


def test_the_reason_holds_no_argument() -> None:
    match = corresponds(["npx", "-y", "pkg", "--token", "hunter2"], ["npm exec pkg --token hunter2", ""])
    assert match is not None
    assert "hunter2" not in match.text

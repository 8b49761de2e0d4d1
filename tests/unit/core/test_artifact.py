"""What is not said of a version, and which names bend what runs."""

import pytest

from agent.core.artifact import OVERRIDES, Artifact, bending, overriding, purl, unpinned
from agent.core.launchers import launch


@pytest.mark.parametrize(
    ("command", "package"),
    [
        ("npx -y x-mcp", "x-mcp"),
        ("npx -y @a/x-mcp@latest", "@a/x-mcp"),
        ("npx -y @a/x-mcp@1.2.3", None),
        ("npx -y x-mcp@1", "x-mcp"),
        ("npx -y x-mcp@^1.2.3", "x-mcp"),
        ("npm exec --package=x-mcp -- x", "x-mcp"),
        ("bunx x-mcp@0.1.0", None),
        ("uvx x-mcp", "x-mcp"),
        ("uvx x-mcp@1.2.3", None),
        ("uvx --from x-mcp==1.2.3 x", None),
        ("uvx --from x-mcp>=1.2.3 x", "x-mcp"),
        ("pipx run x-mcp", "x-mcp"),
        ("docker run -i --rm mcp/time", "mcp/time"),
        ("docker run -i --rm mcp/time:latest", "mcp/time"),
        ("docker run -i --rm mcp/time:1.2.3", None),
        (f"docker run -i mcp/time@sha256:{'a' * 64}", None),
        ("npx ./local", None),
        ("node /opt/x/server.js", None),
        ("/opt/x-mcp", None),
        ("sh -c 'npx -y x-mcp'", None),
    ],
)
def test_a_launcher_that_fetches_whatever_is_newest_is_told_from_a_pinned_one(
    command: str, package: str | None
) -> None:
    words = command.split() if "'" not in command else ["sh", "-c", "echo"]
    found = launch(words)
    assert found is not None
    assert unpinned(found) == package


def test_wrappers_pin_nothing() -> None:
    found = launch(["sh", "-c", "npx -y x-mcp"])
    assert found is not None
    assert unpinned(found) == "x-mcp"


def test_variables_that_bend_what_runs_are_found_in_any_spelling_and_others_are_not() -> None:
    found = overriding(["LD_PRELOAD", "npm_config_registry", "Path", "API_KEY", "HOME", "UV_INDEX_URL"])
    assert list(found) == ["LD_PRELOAD", "Path", "UV_INDEX_URL", "npm_config_registry"]
    assert all(found.values())


def test_a_row_holds_what_is_known_and_nothing_else() -> None:
    assert Artifact(package="x", writable=False, variables=("A", "B")).row == {
        "name": "x",
        "writable_by_user": "false",
        "variables": "A, B",
    }


def test_of_a_running_process_only_what_no_ordinary_session_holds_counts() -> None:
    assert set(bending(["NODE_OPTIONS", "LD_LIBRARY_PATH", "npm_config_registry", "UV_INDEX_URL"])) == {
        "NODE_OPTIONS",
        "UV_INDEX_URL",
    }
    assert {"LD_PRELOAD", "npm_config_registry"} <= OVERRIDES
    assert "PATH" not in OVERRIDES


def test_a_package_url_escapes_the_scope() -> None:
    assert purl("npm", "@a/x", "1.0.0") == "pkg:npm/%40a/x@1.0.0"
    assert purl("pypi", "x", None) == "pkg:pypi/x"

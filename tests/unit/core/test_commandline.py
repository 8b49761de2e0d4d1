"""The first word of a command line is a claim, which what runs bears out or not."""

import pytest

from agent.core.commandline import Argv, honest

NODE, LOADER = "/usr/bin/node", "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"


@pytest.mark.parametrize(
    ("exe", "command", "shown"),
    [
        (NODE, ("git", "server.js"), (NODE, "server.js")),
        (NODE, ("env", "/opt/cli.js", "--mcp-config", "x"), (NODE, "/opt/cli.js", "--mcp-config", "x")),
        ("/usr/bin/python3.11", ("sh", "-m", "server"), ("/usr/bin/python3.11", "-m", "server")),
        (LOADER, ("/lib64/ld-linux-x86-64.so.2", NODE, "server.js"), (NODE, "server.js")),
        (LOADER, ("ld.so", "--argv0", "x", "--library-path", "/l", "--inhibit-cache", NODE, "s"), (NODE, "s")),
        ("/lib/ld-musl-x86_64.so.1", ("git", "/opt/claude"), ("/opt/claude",)),
    ],
)
def test_a_first_word_that_lies_is_not_believed(exe: str, command: Argv, shown: Argv) -> None:
    assert honest(exe, command) == shown


@pytest.mark.parametrize(
    ("exe", "command"),
    [
        (NODE, ("node", "server.js")),
        (NODE, ("npm exec x-mcp", "", "")),
        (NODE, ("webpack",)),
        ("/usr/bin/python3.11", ("/home/ann/.venv/bin/python", "-m", "server")),
        ("/usr/bin/dash", ("sh", "-c", "x")),
        ("/usr/bin/uv", ("uvx", "x")),
        ("/usr/bin/busybox", ("env", "x")),
        (LOADER, (LOADER,)),
        (None, ("git", "status")),
        (NODE, ()),
    ],
)
def test_a_first_word_that_may_be_true_stays(exe: str | None, command: Argv) -> None:
    assert honest(exe, command) == command

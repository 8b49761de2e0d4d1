"""Which process is a client: also one that has written a title over its command line."""

from agent.catalog.rows import catalog
from agent.core.observation import Process
from agent.core.recognition import recognise
from agent.core.recognition.clients import index_of
from agent.core.recognition.triage import Role, Triage

KIMI = Process(
    10,
    1.0,
    1,
    "Kimi Code",
    exe="/usr/bin/python3.13",
    command=("Kimi Code", *("",) * 15),
    wires={3: "pipe:1", 4: "pipe:2"},
)
SERVER = Process(11, 2.0, 10, "tickets", command=("/opt/mcp-tickets",), wires={0: "pipe:1", 1: "pipe:2"})
MARKS = catalog().marks


def test_kimi_cli_is_known_by_the_title_that_it_writes_over_its_command_line() -> None:
    """Who starts the agent after Kimi sees a Python, an empty environment and this."""
    index = index_of(tuple(MARKS))
    found = index.of(KIMI)
    assert found is not None
    assert (found.client, index.misplaced(KIMI)) == ("kimi-cli", None)
    assert index.of(Process(10, 1.0, 1, "x", exe="/usr/bin/python3", command=("Kimi Code", "-c", "x"))) is None
    (server,) = recognise((KIMI, SERVER), (), MARKS)
    assert server.client == "kimi-cli"


def test_what_a_client_that_has_a_title_starts_is_noticed() -> None:
    assert KIMI.command is not None
    assert Triage(MARKS).judge(KIMI.command, Role.NONE) == (True, Role.CLIENT)

"""A client that was started so that its own managed policy does not bind it."""

from dataclasses import replace

import pytest

from agent.core.assess import Terms, assess
from agent.core.observation import Document, DocumentKind
from agent.core.place import Data
from agent.core.recognition import ClientMarks
from agent.core.world import World
from tests.sim.worlds import LOCKED, QUIET, configs, facts, managed, running

PATH = "/etc/gemini-cli/settings.json"
GEMINI = Terms(marks=(ClientMarks("gemini-cli", frozenset({"gemini"})), ClientMarks("codex", frozenset({"codex"}))))
MOVED = "GEMINI_CLI_SYSTEM_SETTINGS_PATH"


def told(
    *words: str, moves: tuple[tuple[str, str], ...] = (), client: str = "gemini", deployed: bool = True
) -> list[str]:
    way = (facts("/", "folder", 0o755), facts(PATH))
    others = (Document(DocumentKind.GEMINI_SYSTEM, PATH, Data(b'{"mcp": {"allowed": ["x"]}}', way)),)
    policy = replace(managed(LOCKED), others=others if deployed else ())
    host = replace(running(client, "git").processes[0], command=(client, *words), moves=moves)
    found = assess(World(configs(), policy, replace(QUIET, processes=(host,))), GEMINI)[0]
    return [item.text for item in found.deviations if item.key.control == "policy.not-effective"]


@pytest.mark.parametrize(
    ("words", "moves", "by"),
    [
        (("--allowed-mcp-server-names", "evil"), (), "--allowed-mcp-server-names"),
        (("-p", "x", "--allowed-mcp-server-names=evil"), (), "--allowed-mcp-server-names"),
        ((), ((MOVED, "/tmp/mine.json"),), MOVED),
    ],
)
def test_what_takes_its_policy_out_of_force_is_told(
    words: tuple[str, ...], moves: tuple[tuple[str, str], ...], by: str
) -> None:
    assert told(*words, moves=moves) == [
        f"A running gemini-cli was started with {by}, so that {PATH} does not bind it."
    ]


def test_what_leaves_the_policy_in_force_is_not_told() -> None:
    assert told("-p", "x") == []
    assert told(moves=((MOVED, PATH),)) == []
    assert told("--allowed-mcp-server-names", "x", client="codex") == []
    assert told("--allowed-mcp-server-names", "x", deployed=False) == []

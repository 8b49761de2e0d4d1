"""Claude Desktop's two switches, from macOS profiles and from the registry's numbers and texts."""

import json

import pytest

from agent.core.observation import Document, DocumentKind
from agent.core.place import Data, Facts, Place, Trouble, Unreadable, User
from agent.core.policy.expansion import Environment
from agent.core.policy.others.desktop import desktop_policy
from agent.core.server import Server, ServerScope, Transport

HKLM, HKCU = "HKLM\\SOFTWARE\\Policies\\Claude\\*", "HKU\\S-1-5-21-7\\SOFTWARE\\Policies\\Claude\\*"
ANN = User("ann", "C:\\Users\\ann")
NOTHING = Environment({}, complete=True)


def policy(value: object, path: str = HKLM, user: str | None = None) -> Document:
    kind = DocumentKind.DESKTOP_POLICY if path == HKLM else DocumentKind.DESKTOP_USER_POLICY
    return Document(kind, path, Data(json.dumps(value).encode(), (Facts(path, "key"),)), user=user)


def server(path: str = "C:\\Users\\ann\\AppData\\Roaming\\Claude\\claude_desktop_config.json") -> Server:
    return Server(
        client="claude-desktop",
        user="ann",
        scope=ServerScope.USER,
        name="s",
        place=Place(path),
        transport=Transport.STDIO,
        command=("npx", "s"),
    )


EXTENSION = server("C:\\Users\\ann\\AppData\\Roaming\\Claude\\Claude Extensions\\x\\manifest.json")


@pytest.mark.parametrize("off", [False, 0, "0", "false"])
def test_local_servers_that_are_switched_off_are_blocked_with_switch_and_place(off: object) -> None:
    found = desktop_policy([policy({"isLocalDevMcpEnabled": off})], ANN)
    verdict = found.verdict(server(), NOTHING)
    assert verdict.blocked
    assert (verdict.reason.entry, verdict.reason.source) == ("isLocalDevMcpEnabled", HKLM)
    assert not found.verdict(EXTENSION, NOTHING).blocked


@pytest.mark.parametrize("key", ["isDesktopExtensionEnabled", "isDxtEnabled"])
def test_extensions_are_switched_off_by_either_name(key: str) -> None:
    found = desktop_policy([policy({key: 0})], ANN)
    assert found.verdict(EXTENSION, NOTHING).blocked
    assert not found.verdict(server(), NOTHING).blocked


def test_what_switches_nothing_off_says_nothing() -> None:
    assert (
        desktop_policy([policy({"isLocalDevMcpEnabled": 1, "isDesktopExtensionEnabled": "true"})], ANN).state == "none"
    )
    assert desktop_policy([], ANN).state == "none"


def test_the_machine_s_switch_wins_over_the_user_s_own() -> None:
    on, off = policy({"isLocalDevMcpEnabled": 1}), policy({"isLocalDevMcpEnabled": 0}, HKCU, "ann")
    assert desktop_policy([off, on], ANN).state == "none"
    assert desktop_policy([off], ANN).verdict(server(), NOTHING).blocked
    assert desktop_policy([off], User("bob", "C:\\Users\\bob")).state == "none"


def test_a_policy_that_cannot_be_read_or_is_no_object_decides_nothing_and_says_why() -> None:
    closed = Document(DocumentKind.DESKTOP_POLICY, HKLM, Unreadable(Trouble.DENIED, f"{HKLM}: access is denied"))
    for document in (closed, policy("text")):
        found = desktop_policy([document], ANN)
        assert found.state == "indeterminate"
        assert HKLM in (found.why or "")

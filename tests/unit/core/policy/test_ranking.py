import json
from typing import Any

import pytest

from agent.core.observation import Document, DocumentKind
from agent.core.place import Data, Facts, User
from agent.core.policy.effective import Policy, effective
from agent.core.policy.sources import SHADOWED, USERS_OWN
from tests.sim.policies import PATHS

FILES, STORE = DocumentKind.MANAGED_SETTINGS, DocumentKind.MANAGED_PREFERENCES
CACHE, HKCU, MCP = DocumentKind.REMOTE_CACHE, DocumentKind.USER_REGISTRY, DocumentKind.MANAGED_MCP
ANN = User("ann", "/home/ann", 0)


def document(kind: DocumentKind, value: object) -> Document:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Document(kind, PATHS[kind], Data(raw, (Facts(PATHS[kind], "file"),)))


def policy(*pairs: tuple[DocumentKind, object], version: str = "2.1.330") -> Policy:
    return effective([document(kind, value) for kind, value in pairs], user=ANN, client_version=version)


def allow(name: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"allowedMcpServers": [{"serverName": name}], **more}


def allowed(found: Policy) -> list[str] | None:
    return None if found.allow is None else [rule.text for rule in found.allow]


def codes(found: Policy) -> list[str]:
    return [problem.code for problem in found.problems if problem.code in (SHADOWED, USERS_OWN)]


@pytest.mark.parametrize(
    ("pairs", "winner"),
    [
        ([(FILES, "f"), (STORE, "s")], "s"),
        ([(FILES, "f"), (STORE, "s"), (CACHE, "c")], "c"),
        ([(FILES, "f"), (CACHE, "c")], "c"),
        ([(FILES, "f"), (HKCU, "u")], "f"),
        ([(STORE, "s"), (HKCU, "u")], "s"),
        ([(HKCU, "u")], "u"),
    ],
)
def test_the_highest_source_that_sets_a_policy_key_is_the_policy(
    pairs: list[tuple[DocumentKind, str]], winner: str
) -> None:
    found = policy(*((kind, allow(name)) for kind, name in pairs))
    assert allowed(found) == allowed(policy((FILES, allow(winner))))
    assert [source.selected for source in found.sources].count(True) == 1


def test_a_source_with_control_keys_alone_does_not_win() -> None:
    found = policy((STORE, {"managedSourcesBehavior": "first-wins"}), (FILES, allow("f")))
    assert allowed(found) == allowed(policy((FILES, allow("f"))))


def test_files_that_a_store_shadows_are_told() -> None:
    found = policy((STORE, allow("s")), (FILES, allow("f")))
    assert codes(found) == [SHADOWED]
    text = next(problem.text for problem in found.problems if problem.code == SHADOWED)
    assert "takes the place of the managed files" in text


def test_cache_only_is_a_policy_that_its_user_can_write() -> None:
    assert codes(policy((CACHE, allow("c")))) == [USERS_OWN]


def test_hkcu_only_is_a_policy_that_its_user_can_write() -> None:
    assert codes(policy((HKCU, allow("u")))) == [USERS_OWN]


def test_hkcu_does_not_count_beneath_an_administrators_document_that_cannot_be_parsed() -> None:
    found = policy((HKCU, allow("u")), (FILES, b"{"))
    assert found.state == "refused"
    assert found.allow is None


def test_a_malformed_hkcu_or_cache_keeps_nobody_from_starting() -> None:
    assert policy((HKCU, b"{"), (CACHE, b"[]"), (FILES, allow("f"))).state == "effective"


def test_a_malformed_lower_source_refuses_even_where_a_higher_one_is_valid() -> None:
    assert policy((STORE, allow("s")), (FILES, b"{")).state == "refused"


def test_the_lock_and_denials_of_a_shadowed_source_count_beside_the_winner() -> None:
    files = allow("f", allowManagedMcpServersOnly=True, deniedMcpServers=[{"serverName": "bad"}])
    found = policy((STORE, {"model": "x"}), (FILES, files))
    assert found.locked
    assert allowed(found) == allowed(policy((FILES, files)))
    assert len(found.deny) == 1


def test_without_the_lock_a_shadowed_allow_list_does_not_count() -> None:
    assert policy((STORE, {"model": "x"}), (FILES, allow("f"))).allow is None


def test_hkcu_never_adds_to_an_administrators_source() -> None:
    found = policy((FILES, allow("f")), (HKCU, {"deniedMcpServers": [{"serverName": "x"}]}))
    assert found.deny == ()


def test_before_2_1_273_only_the_winner_counts() -> None:
    files = allow("f", allowManagedMcpServersOnly=True, deniedMcpServers=[{"serverName": "bad"}])
    found = policy((STORE, {"model": "x"}), (FILES, files), version="2.1.272")
    assert not found.locked
    assert found.deny == ()


def test_merged_sources_add_up_and_the_allow_list_comes_whole_from_the_highest() -> None:
    store = allow("s", managedSourcesBehavior="merge", managedMcpServers={"a": {"type": "http", "url": "https://s/"}})
    files = allow(
        "f",
        deniedMcpServers=[{"serverName": "bad"}],
        strictPluginOnlyCustomization=True,
        managedMcpServers={"a": {"type": "http", "url": "https://f/"}, "b": {"type": "http", "url": "https://b/"}},
    )
    found = policy((STORE, store), (FILES, files))
    assert allowed(found) == allowed(policy((FILES, allow("s"))))
    assert {server.name: server.url for server in found.managed_servers} == {"a": "https://s/", "b": "https://b/"}
    assert found.plugin_only is not None
    assert len(found.deny) == 1
    assert codes(found) == []


def test_a_policy_helper_in_the_winner_leaves_the_policy_open_and_one_below_does_not() -> None:
    helper = {"policyHelper": {"path": "/opt/helper"}}
    assert policy((STORE, helper), (FILES, allow("f"))).state == "indeterminate"
    assert policy((STORE, allow("s")), (FILES, helper)).state == "effective"


def test_managed_mcp_applies_whichever_source_wins() -> None:
    found = policy((CACHE, allow("c")), (MCP, {"mcpServers": {}}))
    assert found.exclusive is not None


def test_a_policy_for_one_user_counts_before_the_devices() -> None:
    device, own = document(STORE, allow("device")), document(STORE, allow("own"))
    own = Document(own.kind, "/Library/Managed Preferences/ann/x.plist", own.content, user="ann")
    found = effective([device, own], user=ANN, client_version="2.1.330")
    assert allowed(found) == allowed(policy((FILES, allow("own"))))

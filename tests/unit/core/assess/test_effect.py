import json

from agent.core.assess.effect import effect_deviations
from agent.core.observation import ConfigLook, Document, DocumentKind, ManagedLook
from agent.core.place import Data, Facts, User
from agent.core.policy.effective import organisation_policy

ANN, BOB = User("ann", "/home/ann", 1000), User("bob", "/home/bob", 1001)
CACHE = "/home/ann/.claude/remote-settings.json"
STORE = "HKU\\S-1\\SOFTWARE\\Policies\\ClaudeCode\\Settings"


def document(kind: DocumentKind, path: str, value: object, user: str | None = None) -> Document:
    return Document(kind, path, Data(json.dumps(value).encode(), (Facts(path, "file"),)), user=user)


FILES = document(DocumentKind.MANAGED_SETTINGS, "/etc/claude-code/managed-settings.json", {"allowedMcpServers": []})


def told(managed: ManagedLook, *looks: ConfigLook) -> list[tuple[str | None, str]]:
    found = effect_deviations(organisation_policy(managed), managed, looks, "2.1.330")
    return [(item.user, item.text) for item in found]


def test_a_cache_that_takes_the_place_of_the_files_is_told_for_its_user_alone() -> None:
    cache = document(DocumentKind.REMOTE_CACHE, CACHE, {"allowedMcpServers": [{"serverUrl": "*"}]})
    found = told(ManagedLook("/etc", (FILES,)), ConfigLook(ANN, documents=(cache,)), ConfigLook(BOB))
    assert {user for user, _ in found} == {"ann"}
    assert any("takes the place of the managed files" in text for _, text in found)
    assert any(f"who can write {CACHE} can change it" in text for _, text in found)


def test_a_policy_in_hkcu_alone_is_told_for_its_user() -> None:
    own = document(DocumentKind.USER_REGISTRY, STORE, {"allowedMcpServers": []}, user="ann")
    ((user, text),) = told(ManagedLook("C:\\", (own,)), ConfigLook(ANN), ConfigLook(BOB))
    assert user == "ann"
    assert "HKCU, which the user writes" in text


def test_files_alone_take_effect_and_nothing_is_told() -> None:
    assert told(ManagedLook("/etc", (FILES,)), ConfigLook(ANN)) == []

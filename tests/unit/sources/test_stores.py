import json
import plistlib

from agent.catalog.rows import catalog
from agent.core.acl import KEY_CHANGES, Guard, sddl_guard
from agent.core.assess.managed import Ground, judge_managed
from agent.core.assess.others import other_deviations
from agent.core.observation import CoverageState, Document, DocumentKind
from agent.core.place import Data, Unreadable
from agent.host.stores import CLAUDE_CODE, CLAUDE_DESKTOP, COPILOT, VSCODE, Value, registry_policies
from agent.sources.managed import ManagedSource, Surroundings
from agent.sources.other_policies import AllManagedSource
from agent.sources.stores import store_documents
from tests.sim.files import Tree

DEVICE = "/Library/Managed Preferences/com.anthropic.claudecode.plist"
OWN = "/Library/Managed Preferences/ann/com.anthropic.claudecode.plist"
POLICY = {"allowedMcpServers": [{"serverName": "ok"}], "allowManagedMcpServersOnly": True, "env": {"A": "b"}}
HKLM = "HKLM\\SOFTWARE\\Policies\\ClaudeCode\\Settings"


def documents(tree: Tree, *values: Value) -> list[Document]:
    return list(store_documents(tree, lambda: values, CLAUDE_CODE))


def text(document: Document) -> str:
    assert isinstance(document.content, Data)
    return document.content.raw.decode()


def test_a_profile_for_the_device_and_one_for_a_user_are_read_as_the_json_that_the_client_sees() -> None:
    binary, xml = (plistlib.dumps(POLICY, fmt=form) for form in (plistlib.FMT_BINARY, plistlib.FMT_XML))
    other = "/Library/Managed Preferences/com.apple.other.plist"
    found = documents(Tree({DEVICE: binary, OWN: xml, other: xml}, os="macos"))
    assert {(item.path, item.user) for item in found} == {(DEVICE, None), (OWN, "ann")}
    assert {item.kind for item in found} == {DocumentKind.MANAGED_PREFERENCES}
    assert [json.loads(text(item)) for item in found] == [POLICY, POLICY]
    assert text(found[0]) == text(found[1])


def test_a_profile_that_is_no_property_list_is_one_that_the_client_cannot_parse() -> None:
    for raw in (b"bplist00rubbish", b"<plist", plistlib.dumps(["a", "list"])):
        (found,) = documents(Tree({DEVICE: raw}, os="macos"))
        assert not text(found).startswith("{")


def test_registry_values_are_documents_of_the_machine_and_of_each_user() -> None:
    own = "HKU\\S-1-5-21-7\\SOFTWARE\\Policies\\ClaudeCode\\Settings"
    found = documents(Tree({}, os="windows"), Value(HKLM, "{}"), Value(own, '{"a": 1}', "S-1-5-21-7"))
    assert [(item.kind, item.path, item.user) for item in found] == [
        (DocumentKind.MANAGED_PREFERENCES, HKLM, None),
        (DocumentKind.USER_REGISTRY, own, "S-1-5-21-7"),
    ]


def test_the_machine_s_key_is_judged_by_its_descriptor_and_a_user_s_own_is_not() -> None:
    own = "HKU\\S-1-5-21-7\\SOFTWARE\\Policies\\ClaudeCode\\Settings"
    values = (Value(HKLM, "{}", written_ns=5), Value(own, "{}", "S-1-5-21-7"))
    everyone = Surroundings(
        registry=lambda: values, guard=lambda _: sddl_guard("O:BAD:P(A;;KA;;;WD)", changes=KEY_CHANGES)
    )
    (look,) = ManagedSource(Tree({}, os="windows"), catalog()["claude-code"], around=everyone).look()
    told = {item.label: item.text for item in judge_managed(look, (), Ground("windows")).deviations}
    assert [(row.owner, row.mode) for row in judge_managed(look, (), Ground("windows")).rows[:1]] == [
        ("Administrators", None)
    ]
    assert told == {HKLM: f"The registry value {HKLM} can be changed by everyone."}


def test_a_registry_value_that_is_no_text_is_a_broken_policy_and_one_that_cannot_be_read_is_unreadable() -> None:
    broken, denied = documents(Tree({}, os="windows"), Value(HKLM, None), Value(HKLM, None, problem="denied"))
    assert text(broken) == "null"
    assert isinstance(denied.content, Unreadable)


def test_the_registry_of_another_root_is_said_to_be_left_out() -> None:
    (look,) = ManagedSource(Tree({}, os="windows"), catalog()["claude-code"]).look()
    assert [row.state for row in look.coverage] == [CoverageState.ABSENT, CoverageState.SKIPPED]


def test_other_systems_have_no_registry() -> None:
    import sys  # noqa: PLC0415

    assert sys.platform == "win32" or registry_policies() == ()


def test_the_policy_of_claude_desktop_is_inventoried_beside_and_its_key_judged_by_its_descriptor() -> None:
    policy = "/Library/Managed Preferences/com.anthropic.claudefordesktop.plist"
    files = Tree({policy: plistlib.dumps({"isLocalDevMcpEnabled": False})}, os="macos")
    (look,) = AllManagedSource(ManagedSource(files, catalog()["claude-code"]), files).look()
    assert [(item.kind, item.path, text(item)) for item in look.others] == [
        (DocumentKind.DESKTOP_POLICY, policy, '{"isLocalDevMcpEnabled":false}')
    ]
    assert look.documents[-1].kind is DocumentKind.MANAGED_MCP

    key = "HKLM\\SOFTWARE\\Policies\\Claude\\*"
    own = "HKU\\S-1-5-21-7\\SOFTWARE\\Policies\\Claude\\*"
    values = (Value(key, "{}", client=CLAUDE_DESKTOP), Value(own, "{}", "S-1-5-21-7", client=CLAUDE_DESKTOP))
    around = Surroundings(registry=lambda: values, guard=lambda _: Guard(others=("everyone",)))
    windows = Tree({}, os="windows")
    (look,) = AllManagedSource(ManagedSource(windows, catalog()["claude-code"], around=around), windows).look()
    assert [item.kind for item in look.others] == [DocumentKind.DESKTOP_POLICY, DocumentKind.DESKTOP_USER_POLICY]
    assert [(item.key.control, item.label) for item in other_deviations(look, ())] == [("managed-file.exposed", key)]


def test_the_profiles_of_codex_copilot_and_vs_code_are_inventoried_for_the_device_and_each_user() -> None:
    names = ("com.openai.codex.plist", "com.github.copilot.plist", "com.microsoft.VSCode.plist")
    paths = [f"/Library/Managed Preferences/{folder}{name}" for name in names for folder in ("", "ann/")]
    files = Tree({path: plistlib.dumps({"ChatMCP": "none"}) for path in paths}, os="macos")
    (look,) = AllManagedSource(ManagedSource(files, catalog()["claude-code"]), files).look()
    assert [(item.path, item.user) for item in look.others] == [
        (path, "ann" if "/ann/" in path else None) for path in paths
    ]
    kinds = (DocumentKind.CODEX_PREFERENCES, DocumentKind.COPILOT_STORE, DocumentKind.VSCODE_POLICY)
    assert [item.kind for item in look.others] == [kind for kind in kinds for _ in range(2)]


def test_the_keys_of_copilot_and_vs_code_are_inventoried_and_a_user_s_key_of_copilot_does_not_count() -> None:
    copilot, code = "SOFTWARE\\Policies\\GitHubCopilot\\*", "SOFTWARE\\Policies\\Microsoft\\VSCode\\*"
    values = [
        Value(f"{hive}\\{key}", "{}", sid, client=client)
        for key, client in ((copilot, COPILOT), (code, VSCODE))
        for hive, sid in (("HKLM", None), ("HKU\\S-1-5-21-7", "S-1-5-21-7"))
    ]
    windows = Tree({}, os="windows")
    around = Surroundings(registry=lambda: values, guard=lambda _: Guard(others=("everyone",)))
    (look,) = AllManagedSource(ManagedSource(windows, catalog()["claude-code"], around=around), windows).look()
    assert [(item.kind, item.path) for item in look.others] == [
        (DocumentKind.COPILOT_STORE, f"HKLM\\{copilot}"),
        (DocumentKind.VSCODE_POLICY, f"HKLM\\{code}"),
        (DocumentKind.VSCODE_USER_POLICY, f"HKU\\S-1-5-21-7\\{code}"),
    ]
    assert [item.label for item in other_deviations(look, ())] == [f"HKLM\\{copilot}", f"HKLM\\{code}"]


def test_on_linux_the_policy_of_vs_code_is_a_file_and_it_is_watched() -> None:
    files = Tree({"/etc/vscode/policy.json": '{"ChatMCP": "none"}'})
    source = AllManagedSource(ManagedSource(files, catalog()["claude-code"]), files)
    (look,) = source.look()
    assert [(item.kind, text(item)) for item in look.others] == [(DocumentKind.VSCODE_POLICY, '{"ChatMCP": "none"}')]
    assert "/etc/vscode/policy.json" in source.watched()

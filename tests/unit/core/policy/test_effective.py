import pytest

from agent.core.observation import DocumentKind
from agent.core.place import Facts, Names, Trouble, Unreadable
from agent.core.policy.effective import Policy
from agent.core.policy.managed import counts_as_dropin
from agent.core.policy.provided import provided_fault
from tests.sim.policies import ANN, ETC, data, document, dropin, lists, managed, policy

A, B, C = ({"serverCommand": ["npx", name]} for name in "abc")
DROPINS = f"{ETC}/managed-settings.d"


def allowed(found: Policy) -> list[str] | None:
    return None if found.allow is None else [rule.text for rule in found.allow]


def test_no_document_is_no_policy() -> None:
    assert policy() == Policy(version_note=policy().version_note)
    assert policy().state == "none"


def test_managed_settings_about_other_things_are_no_policy_for_servers() -> None:
    assert policy(managed({"model": "x"})).state == "none"
    assert policy(managed({"deniedMcpServers": []})).state == "effective"


def test_lists_of_base_and_dropins_add_up_in_code_unit_order_of_names() -> None:
    found = policy(
        dropin("9.json", {"allowedMcpServers": [C]}),
        dropin("10.json", {"allowedMcpServers": [B]}),
        managed({"allowedMcpServers": [A]}),
    )
    assert [rule.entry.place.path.rpartition("/")[2] for rule in found.allow or ()] == [
        "managed-settings.json",
        "10.json",
        "9.json",
    ]


@pytest.mark.parametrize("name", ["x.JSON", "x.jsonc", ".x.json", "x.json.bak", "json", "x.json "])
def test_a_dropin_of_another_name_is_ignored(name: str) -> None:
    assert not counts_as_dropin(f"{DROPINS}/{name}")
    assert policy(dropin(name, {"allowedMcpServers": [A]})).allow is None


@pytest.mark.parametrize("name", ["x.json", "Ünicode.json", "a b.json"])
def test_a_dropin_with_the_right_ending_counts(name: str) -> None:
    assert allowed(policy(dropin(name, {"allowedMcpServers": [A]})))


@pytest.mark.parametrize(
    ("value", "locked"),
    [
        (True, True),
        (False, False),
        ("true", True),
        ("false", False),
        ("yes", True),
        (0, True),
        (1, True),
        ([], True),
        ({}, True),
        (None, False),
    ],
)
def test_a_wrong_typed_lock_locks_and_null_is_no_lock(value: object, *, locked: bool) -> None:
    assert policy(managed({"allowManagedMcpServersOnly": value})).locked is locked


@pytest.mark.parametrize(("later", "locked"), [(False, False), (None, True), ("x", True)])
def test_a_later_dropin_resets_the_lock_and_null_does_not(later: object, *, locked: bool) -> None:
    found = policy(
        managed({"allowManagedMcpServersOnly": True}), dropin("10.json", {"allowManagedMcpServersOnly": later})
    )
    assert found.locked is locked


def test_the_lock_leaves_the_managed_list_alone_and_counts_in_managed_files_only() -> None:
    user = document(DocumentKind.USER_SETTINGS, {"allowedMcpServers": [B], "allowManagedMcpServersOnly": True})
    base = {"allowedMcpServers": [A]}
    assert len(policy(managed(base), user).allow or ()) == 2
    assert len(policy(managed({**base, "allowManagedMcpServersOnly": True}), user).allow or ()) == 1
    assert not policy(managed(base), user).locked


def test_a_lock_without_a_managed_list_leaves_no_list_at_all() -> None:
    user = document(DocumentKind.USER_SETTINGS, {"allowedMcpServers": [B]})
    assert policy(managed({"allowManagedMcpServersOnly": True}), user).allow is None


def test_a_broken_list_of_one_file_never_undoes_another_files() -> None:
    found = policy(managed({"deniedMcpServers": [A]}), dropin("10.json", {"deniedMcpServers": "x"}))
    assert len(found.deny) == 1
    found = policy(managed({"allowedMcpServers": [A]}), dropin("10.json", {"allowedMcpServers": None}))
    assert len(found.allow or ()) == 1


def test_an_invalid_entry_cost_old_versions_the_whole_managed_policy() -> None:
    base = managed({"allowedMcpServers": [A, {}], "allowManagedMcpServersOnly": True})
    old = policy(base, client_version="2.1.153")
    assert (old.allow, old.locked) == (None, False)
    assert "policy-lost" in [problem.code for problem in old.problems]
    assert allowed(policy(base, client_version="2.1.154"))


@pytest.mark.parametrize("broken", [managed("{bad"), dropin("10.json", "null")])
def test_one_malformed_managed_file_keeps_the_client_from_starting(broken: object) -> None:
    documents = [managed({"allowedMcpServers": [A]}), broken]
    found = policy(*documents)  # type: ignore[arg-type]
    assert found.state == "refused"
    assert found.refusal
    assert policy(*documents, client_version="2.1.239").state == "effective"  # type: ignore[arg-type]


def test_a_file_that_the_user_may_not_read_binds_others_and_not_that_user() -> None:
    base = managed(data({"allowedMcpServers": [A]}, mode=0o600))
    assert policy(base).state == "effective"
    found = policy(base, dropin("10.json", {"deniedMcpServers": [B]}), user=ANN)
    assert (found.allow, len(found.deny)) == (None, 1)
    assert [source.state for source in found.sources] == ["unreadable", "effective"]


def test_a_file_that_cannot_be_read_keeps_the_client_from_starting_only_where_nothing_else_is_set() -> None:
    folder = document(DocumentKind.MANAGED_SETTINGS, Unreadable(Trouble.NOT_REGULAR, "a folder stands there."))
    assert policy(folder).state == "refused"
    assert policy(folder, dropin("10.json", {})).state == "refused"
    found = policy(folder, dropin("10.json", {"deniedMcpServers": [A]}))
    assert (found.state, len(found.deny)) == ("effective", 1)
    assert policy(dropin("10.json", "{bad"), managed({"deniedMcpServers": [A]})).state == "refused"


def test_a_dropin_folder_that_the_user_may_not_read_gives_nothing() -> None:
    listing = Names(("10.json",), (Facts("/", "folder"), Facts(DROPINS, "folder", 0o700)))
    found = policy(
        managed({"deniedMcpServers": [B]}), dropin("10.json", {"allowedMcpServers": [A]}), dropins=listing, user=ANN
    )
    assert (found.allow, len(found.deny)) == (None, 1)
    assert any(problem.place.path == DROPINS for problem in found.problems)


@pytest.mark.parametrize(
    ("trouble", "state"),
    [
        (Trouble.NOT_A_FOLDER, "none"),
        (Trouble.LINK_LOOP, "refused"),
        (Trouble.TIMED_OUT, "indeterminate"),
        (Trouble.DENIED, "none"),
    ],
)
def test_what_stands_in_place_of_the_dropin_folder(trouble: Trouble, state: str) -> None:
    assert policy(dropins=Unreadable(trouble, "x")).state == state


def test_more_dropins_than_we_looked_at_leave_the_policy_open() -> None:
    assert policy(dropins=Names((), (), truncated=True)).state == "indeterminate"


def test_a_policy_helper_leaves_the_policy_open() -> None:
    found = policy(managed({"policyHelper": {"path": "/x"}, "deniedMcpServers": [A]}))
    assert found.state == "indeterminate"
    assert "policyHelper" in (found.refusal or "")


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("s", {"command": "npx"}),
        ("s", {"type": "http", "url": "http://s.example"}),
        ("s", {"type": "http", "url": "https://s.example/${HOME}"}),
        ("s s", {"type": "http", "url": "https://s.example"}),
        ("s", {"type": "http", "url": "https://s.example", "headersHelper": "/bin/x"}),
        ("s", {"type": "ws", "url": "https://s.example"}),
        ("s", {"url": "https://s.example"}),
        ("s", {"type": "http", "url": "https://s.example", "headers": {"X\u200b": "1"}}),
        ("s", "https://s.example"),
        ("s", {"type": "http", "url": "https://s.example:99999/"}),
        ("s", {"type": "http", "url": "https://s.example/\u061c"}),
        ("s", {"type": "http", "url": "https://s.example", "timeout": "x"}),
        ("constructor", {"type": "http", "url": "https://s.example"}),
    ],
)
def test_a_provided_server_must_be_remote_https_and_plain(name: str, entry: object) -> None:
    assert provided_fault(name, entry)
    assert not policy(managed({"managedMcpServers": {name: entry}})).managed_servers


@pytest.mark.parametrize(
    "entry",
    [
        {"type": "streamable-http", "url": " https:s.example/$HOME"},
        {"type": "sse", "url": "https://s.example/${", "headers": {"${HOME}": "x"}},
        {"type": "http", "url": "https://s.example/\u00a0"},
    ],
)
def test_a_provided_server_may_look_odd_to_people(entry: object) -> None:
    assert policy(managed({"managedMcpServers": {"s": entry}})).managed_servers


def test_a_later_provided_server_replaces_the_earlier_and_the_file_beats_both() -> None:
    first, second = ({"s": {"type": "http", "url": f"https://s.example/{n}"}} for n in (1, 2))
    base, later = managed({"managedMcpServers": first}), dropin("10.json", {"managedMcpServers": second})
    assert [server.url for server in policy(base, later).managed_servers] == ["https://s.example/2"]
    file = document(DocumentKind.MANAGED_MCP, {"mcpServers": {"s": {"command": "npx"}}})
    assert [server.command for server in policy(base, later, file).managed_servers] == [("npx",)]


@pytest.mark.parametrize(
    ("value", "on"),
    [
        (True, True),
        (["mcp"], True),
        ("x", True),
        (1, True),
        ("false", True),
        ({}, True),
        (False, False),
        (None, False),
        ([], False),
        (["skills"], False),
    ],
)
def test_plugin_only_takes_true_a_list_with_mcp_and_wrong_types(value: object, *, on: bool) -> None:
    assert (policy(managed({"strictPluginOnlyCustomization": value})).plugin_only is not None) is on


def test_equal_policies_have_equal_digests_wherever_their_entries_stand() -> None:
    one = policy(managed({"allowedMcpServers": [A, B]}))
    other = policy(managed({"allowedMcpServers": [B]}), dropin("10.json", {"allowedMcpServers": [A]}))
    assert one.digest == other.digest
    assert one.digest != lists(allow=[A]).digest

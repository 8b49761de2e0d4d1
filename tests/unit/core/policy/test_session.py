from dataclasses import replace
from typing import Any

import pytest

from agent.core.observation import Document, DocumentKind
from agent.core.place import Place
from agent.core.policy.flags import Flags
from agent.core.policy.session import Judged, judge
from agent.core.server import Server, ServerScope, Transport
from tests.sim.policies import document, dropin, http, managed, session, stdio

A, B = ({"serverCommand": ["npx", name]} for name in "ab")
MCP = document(DocumentKind.MANAGED_MCP, {"mcpServers": {"m": {"command": "npx", "args": ["m"]}}})
USER, LOCAL, PROJECT, DYNAMIC, PLUGIN = (
    ServerScope.USER,
    ServerScope.LOCAL,
    ServerScope.PROJECT,
    ServerScope.DYNAMIC,
    ServerScope.PLUGIN,
)


def outcomes(*servers: Server, documents: tuple[Document, ...] = (), **options: Any) -> dict[str, str]:  # noqa: ANN401 - handed on
    """Map each candidate's command or URL to what became of it."""
    return {
        _endpoint(item): item.loads_code for item in judge(session(*servers, documents=documents, **options)).judged
    }


def _endpoint(item: Judged) -> str:
    return item.server.url or " ".join(item.server.command or ("sdk",))


def mcp_json(folder: str, *command: str, name: str = "s") -> Server:
    place = Place(f"{folder.rstrip('/')}/.mcp.json", f"/mcpServers/{name}")
    return replace(stdio(*command, name=name, scope=PROJECT), place=place, project=folder)


def state(**project: object) -> Document:
    return document(
        DocumentKind.CLIENT_STATE, {"projects": {"/work/p": project, "/elsewhere": {"disabledMcpServers": ["s"]}}}
    )


def test_without_any_policy_a_session_loads_its_servers_and_no_verdict_is_given() -> None:
    (item,) = judge(session(stdio("npx", "a"))).judged
    assert (item.loads, item.verdict.reason.code) == (True, "no-policy")


def test_lists_of_a_users_own_bind_a_session_without_a_managed_policy() -> None:
    settings = document(DocumentKind.USER_SETTINGS, {"allowedMcpServers": [A]})
    found = outcomes(stdio("npx", "a", name="a"), stdio("npx", "b", name="b"), documents=(settings,))
    assert found == {"npx a": "loads", "npx b": "blocked"}


def test_of_one_name_the_higher_scope_counts() -> None:
    servers = [stdio(scope.value, scope=scope) for scope in (USER, LOCAL, DYNAMIC)] + [mcp_json("/work/p", "project")]
    assert outcomes(*servers) == {"user": "shadowed", "project": "shadowed", "local": "shadowed", "dynamic": "loads"}


def test_a_blocked_definition_hides_an_allowed_one_below_it() -> None:
    found = outcomes(
        stdio("npx", "a"), stdio("npx", "x", scope=LOCAL), documents=(managed({"allowedMcpServers": [A]}),)
    )
    assert found == {"npx a": "shadowed", "npx x": "blocked"}


def test_a_blocked_server_of_the_command_line_hides_nothing() -> None:
    found = outcomes(stdio("npx", "a"), stdio("x", scope=DYNAMIC), documents=(managed({"allowedMcpServers": [A]}),))
    assert found == {"npx a": "loads", "x": "blocked"}


def test_the_nearest_mcp_json_wins_and_those_of_other_folders_do_not_concern_the_session() -> None:
    servers = [mcp_json(folder, folder) for folder in ("/", "/work", "/work/p", "/work/p/sub", "/elsewhere")]
    assert outcomes(*servers) == {"/": "shadowed", "/work": "shadowed", "/work/p": "loads"}


def test_local_servers_follow_the_project_and_settings_the_folder() -> None:
    server = replace(stdio("npx", "a", scope=LOCAL), project="/work/p")
    deny = document(DocumentKind.PROJECT_SETTINGS, {"deniedMcpServers": [A]}, project="/work/p")
    assert outcomes(server, documents=(deny,)) == {"npx a": "blocked"}
    assert outcomes(server, documents=(deny,), cwd="/work/p/sub") == {"npx a": "loads"}
    assert outcomes(server, cwd="/elsewhere", project="/elsewhere") == {}


def test_exclusive_control_leaves_the_organisations_servers() -> None:
    found = outcomes(stdio("evil", name="m"), stdio("npx", "x", scope=PLUGIN, name="p"), documents=(MCP,))
    assert found == {"npx m": "loads", "evil": "blocked", "npx x": "blocked"}


@pytest.mark.parametrize("flags", [Flags(strict=True), Flags(mcp_config=('{"mcpServers": {"x": {"command": "x"}}}',))])
def test_flags_that_exclusive_control_forbids_keep_the_client_from_starting(flags: Flags) -> None:
    outcome = judge(session(documents=(MCP,), flags=flags))
    assert outcome.refuses
    assert {item.loads for item in outcome.judged} == {False}
    unusable = document(DocumentKind.MANAGED_MCP, "{bad")
    assert judge(session(documents=(unusable,), flags=flags)).refuses is None


def test_any_server_of_the_command_line_is_refused_beside_a_readable_managed_mcp_file() -> None:
    sdk = Flags(mcp_config=('{"mcpServers": {"x": {"type": "sdk", "name": "x"}}}',))
    assert judge(session(documents=(MCP,), flags=sdk)).refuses


def test_only_servers_that_the_lists_let_pass_are_refused_beside_a_managed_mcp_file() -> None:
    flags = Flags(mcp_config=('{"mcpServers": {"x": {"command": "x"}}}',))
    shuts_out: list[dict[str, object]] = [{"allowedMcpServers": []}, {"deniedMcpServers": [{"serverName": "x"}]}]
    for settings in shuts_out:
        outcome = judge(session(documents=(MCP, managed(settings)), flags=flags))
        assert outcome.refuses is None
        assert {row.server.name: row.loads for row in outcome.judged} == {"m": True, "x": False}
    assert judge(session(documents=(MCP,), flags=replace(flags, safe=True))).refuses is None


@pytest.mark.parametrize("text", ["{bad", "[]", "null", '"x"'])
def test_settings_of_the_command_line_that_are_no_json_object_keep_the_client_from_starting(text: str) -> None:
    assert judge(session(flags=Flags(settings=text))).refuses


def test_options_that_are_no_good_keep_the_client_from_starting() -> None:
    assert judge(session(flags=Flags(unusable="it says so"))).refuses == "it says so"


def test_a_state_file_that_is_no_json_keeps_the_client_from_starting() -> None:
    broken = document(DocumentKind.CLIENT_STATE, "{bad")
    assert "/home/ann/.claude.json" in str(judge(session(stdio("npx"), documents=(broken,))).refuses)
    utf16 = document(DocumentKind.CLIENT_STATE, "{}".encode("utf-16"))
    assert judge(session(documents=(utf16,))).refuses
    for odd in ("", "[]", "\ufeff{}", "null"):
        assert judge(session(documents=(document(DocumentKind.CLIENT_STATE, odd),))).refuses is None


def test_a_malformed_managed_file_keeps_the_client_from_starting() -> None:
    outcome = judge(session(stdio("npx"), documents=(dropin("10.json", "null"),)))
    assert outcome.refuses
    assert outcome.judged[0].loads is False


@pytest.mark.parametrize("text", ["{bad", '{"x": {"command": "npx"}}', "[]", None])
def test_a_broken_mcp_config_keeps_the_client_from_starting(text: str | None) -> None:
    assert judge(session(flags=Flags(mcp_config=(text,)))).refuses


def test_sideloading_can_be_forbidden() -> None:
    forbids = managed({"disableSideloadFlags": True})
    assert judge(session(flags=Flags(sideloads=("--agents",)), documents=(forbids,))).refuses
    assert judge(session(flags=Flags(mcp_config=('{"mcpServers": {}}',)), documents=(forbids,))).refuses is None
    sdk = '{"mcpServers": {"x": {"type": "sdk", "name": "x"}}}'
    assert outcomes(flags=Flags(mcp_config=(sdk,)), documents=(forbids,)) == {"sdk": "loads"}


def test_flags_leave_scopes_out() -> None:
    servers = [stdio("user"), stdio("dynamic", scope=DYNAMIC, name="d"), mcp_json("/work/p", "project", name="p")]
    for flags, loaded in (
        (Flags(safe=True), set()),
        (Flags(strict=True), {"dynamic"}),
        (Flags(restricted=True), {"dynamic"}),
        (Flags(bare=True), {"dynamic"}),
        (Flags(bare=True, strict=True), {"dynamic"}),
        (Flags(setting_sources=frozenset({"project"})), {"dynamic", "project"}),
    ):
        found = outcomes(*servers, flags=flags)
        assert {command for command, code in found.items() if code == "loads"} == loaded


def test_a_bare_session_leaves_out_the_organisations_servers_too() -> None:
    assert outcomes(documents=(MCP,), flags=Flags(bare=True)) == {"npx m": "left-out"}
    assert outcomes(documents=(MCP,), flags=Flags(restricted=True)) == {"npx m": "loads"}


def test_sources_that_are_switched_off_bind_nothing() -> None:
    deny = document(DocumentKind.USER_SETTINGS, {"deniedMcpServers": [A]})
    flags = Flags(setting_sources=frozenset({"project"}))
    assert outcomes(mcp_json("/work/p", "npx", "a"), documents=(deny,), flags=flags) == {"npx a": "loads"}


def test_settings_of_the_command_line_add_to_the_lists_and_cannot_unlock() -> None:
    flags = Flags(
        settings='{"allowedMcpServers": [{"serverCommand": ["npx", "b"]}], "allowManagedMcpServersOnly": false}'
    )
    base = {"allowedMcpServers": [A]}
    assert outcomes(stdio("npx", "b"), documents=(managed(base),), flags=flags) == {"npx b": "loads"}
    locked = managed({**base, "allowManagedMcpServersOnly": True})
    assert outcomes(stdio("npx", "b"), documents=(locked,), flags=flags) == {"npx b": "blocked"}


def test_one_project_server_may_be_rejected_without_a_list() -> None:
    settings = document(DocumentKind.USER_SETTINGS, {"disabledMcpjsonServers": "s"})
    assert outcomes(mcp_json("/work/p", "npx"), documents=(settings,)) == {"npx": "rejected"}


@pytest.mark.parametrize("value", ["s", ["s", 1], ["s", None], {"s": True}])
def test_managed_settings_reject_by_a_whole_list_of_names_or_not_at_all(value: object) -> None:
    documents = (managed({"disabledMcpjsonServers": value}),)
    assert outcomes(mcp_json("/work/p", "npx"), documents=documents) == {"npx": "loads"}
    documents = (managed({"disabledMcpjsonServers": ["s"]}),)
    assert outcomes(mcp_json("/work/p", "npx"), documents=documents) == {"npx": "rejected"}


@pytest.mark.parametrize(
    "wrong", [{"model": 5}, {"allowManagedMcpServersOnly": "true"}, {"env": None}, {"permissions": {"deny": 1}}]
)
def test_one_wrong_type_costs_a_users_file_with_its_deny_list(wrong: dict[str, object]) -> None:
    value = {"deniedMcpServers": [A], **wrong}
    user, organisation = document(DocumentKind.USER_SETTINGS, value), managed(value)
    assert outcomes(stdio("npx", "a"), documents=(user,)) == {"npx a": "loads"}
    assert outcomes(stdio("npx", "a"), documents=(organisation,)) == {"npx a": "blocked"}


def test_an_unknown_key_or_null_in_a_managed_key_costs_a_users_file_nothing() -> None:
    value = {"deniedMcpServers": [A], "allowManagedMcpServersOnly": None, "foo": 1, "env": {"X": None}}
    assert outcomes(stdio("npx", "a"), documents=(document(DocumentKind.USER_SETTINGS, value),)) == {"npx a": "blocked"}


def test_what_the_user_switched_off_in_this_project_is_disabled() -> None:
    assert outcomes(stdio("npx"), documents=(state(disabledMcpServers=["s"]),)) == {"npx": "disabled"}
    assert outcomes(stdio("npx"), documents=(state(disabledMcpServers=["x", 3]),)) == {"npx": "loads"}
    assert outcomes(replace(stdio("npx"), disabled=True)) == {"npx": "disabled"}


@pytest.mark.parametrize(
    "rejecting",
    [
        document(DocumentKind.USER_SETTINGS, {"disabledMcpjsonServers": ["s"], "enabledMcpjsonServers": ["s"]}),
        managed({"disabledMcpjsonServers": ["s"]}),
        state(disabledMcpjsonServers=["s"]),
    ],
)
def test_a_rejected_project_server_is_left_out_and_hides_nothing(rejecting: Document) -> None:
    found = outcomes(mcp_json("/work/p", "project"), stdio("user"), documents=(rejecting,))
    assert found == {"project": "rejected", "user": "loads"}


def test_a_plugins_server_gives_way_to_a_loaded_one_with_the_same_endpoint() -> None:
    plugin = stdio("npx", "same", scope=PLUGIN, name="plugin:p:s")
    assert outcomes(stdio("npx", "same", name="a"), plugin)["npx same"] == "duplicate"
    urls = [http("https://h.example/x", name="a"), http("https://H.EXAMPLE/x/", name="plugin:p:u", scope=PLUGIN)]
    assert outcomes(*urls) == {"https://h.example/x": "loads", "https://H.EXAMPLE/x/": "duplicate"}
    for url in (
        "https://h.example/y/../x",
        "https://u@h.example/x",
        "https://h.example./x",
        "https://h.example:0443/x",
    ):
        other = http(url, name="plugin:p:u", scope=PLUGIN)
        assert outcomes(http("https://h.example/x#f", name="a"), other)[url] == "loads"
    deny = managed({"deniedMcpServers": [{"serverName": "a"}]})
    judged = judge(session(stdio("npx", "same", name="a"), plugin, documents=(deny,))).judged
    assert [item.loads for item in judged] == [False, True]


def test_a_provided_server_beats_a_users_and_gives_way_to_an_allowed_one_of_the_command_line() -> None:
    provided = {"managedMcpServers": {"s": {"type": "http", "url": "https://s.example"}}}
    servers = [stdio("user"), stdio("npx", "a", scope=DYNAMIC)]
    allowed = outcomes(*servers, documents=(managed({**provided, "allowedMcpServers": [A]}),))
    assert allowed == {"https://s.example": "shadowed", "user": "blocked", "npx a": "loads"}
    blocked = outcomes(*servers, documents=(managed({**provided, "allowedMcpServers": []}),))
    assert blocked == {"https://s.example": "loads", "user": "blocked", "npx a": "blocked"}
    assert outcomes(stdio("user"), documents=(managed(provided),))["user"] == "shadowed"


def test_an_open_policy_leaves_open_what_loads() -> None:
    (item,) = judge(session(stdio("npx"), documents=(managed({"policyHelper": {}}),))).judged
    assert item.loads is None


def test_an_agents_servers_of_the_command_line_are_judged_like_others() -> None:
    agents = '{"x": {"mcpServers": ["other", {"a": {"command": "npx", "args": ["a"]}}, {"b": {"command": "npx"}}]}}'
    found = outcomes(flags=Flags(agents=agents, agent="x"), documents=(managed({"allowedMcpServers": [A]}),))
    assert found == {"npx a": "loads", "npx": "blocked"}
    assert outcomes(flags=Flags(agents=agents, agent="y")) == {}


def test_other_users_and_other_clients_servers_do_not_concern_the_session() -> None:
    assert outcomes(replace(stdio("npx"), user="bob"), stdio("npx", client="cursor")) == {}


def test_windows_folders_are_the_same_in_any_spelling() -> None:
    place = Place("C:\\Work\\p\\.mcp.json", "/mcpServers/s")
    server = replace(stdio("npx", scope=PROJECT), place=place, project="C:\\Work\\p")
    disabled = document(DocumentKind.CLIENT_STATE, {"projects": {"C:/work/p": {"disabledMcpServers": ["s"]}}})
    options: dict[str, Any] = {"os": "windows", "cwd": "c:\\work\\p", "project": "c:\\work\\p"}
    assert outcomes(server, **options) == {"npx": "loads"}
    assert outcomes(server, documents=(disabled,), **options) == {"npx": "disabled"}


def test_an_in_process_server_of_the_program_that_starts_the_client_loads() -> None:
    server = replace(stdio("x", scope=DYNAMIC), transport=Transport.SDK, command=None)
    assert outcomes(server, documents=(managed({"allowedMcpServers": []}),)) == {"sdk": "loads"}

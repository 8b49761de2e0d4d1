"""What HKLM, macOS profiles and VS Code's file say to Codex, GitHub Copilot and VS Code, beside the files that were observed."""

import base64
import json

import pytest

from agent.core.observation import Document, DocumentKind
from agent.core.place import Content, Data, Facts, Place, Trouble, Unreadable, User
from agent.core.policy.expansion import Environment
from agent.core.policy.others.ruling import ClientPolicy
from agent.core.policy.others.table import ENFORCEMENTS
from agent.core.server import Server, ServerScope, Transport
from agent.core.verdict import Answer

ANN = User("ann", "/Users/ann", 501)
NOTHING = Environment({}, complete=True)
PREFERENCES, REQUIREMENTS = "/Library/Managed Preferences/com.openai.codex.plist", "/etc/codex/requirements.toml"
STORE, SETTINGS = (
    "HKLM\\SOFTWARE\\Policies\\GitHubCopilot\\*",
    "C:\\Program Files\\GitHubCopilot\\managed-settings.json",
)
ACCESS = "HKLM\\SOFTWARE\\Policies\\Microsoft\\VSCode\\*"


def document(kind: DocumentKind, path: str, value: object, user: str | None = None) -> Document:
    if isinstance(value, Unreadable):
        content: Content = value
    else:
        content = Data((value if isinstance(value, str) else json.dumps(value)).encode(), (Facts(path, "file"),))
    return Document(kind, path, content, user=user)


def preferences(toml: str, user: str | None = None) -> Document:
    path = PREFERENCES if user is None else f"/Library/Managed Preferences/{user}/com.openai.codex.plist"
    encoded = base64.b64encode(toml.encode()).decode()
    return document(DocumentKind.CODEX_PREFERENCES, path, {"requirements_toml_base64": f"\n{encoded} "}, user)


def requirements(toml: str) -> Document:
    return document(DocumentKind.CODEX_REQUIREMENTS, REQUIREMENTS, toml)


def entry(name: str, command: str) -> str:
    return f'[mcp_servers.{name}.identity]\ncommand = "{command}"\n'


def server(
    name: str, command: str = "npx", *, client: str = "codex", path: str = "/Users/ann/.codex/config.toml"
) -> Server:
    return Server(
        client=client,
        user="ann",
        scope=ServerScope.USER,
        name=name,
        place=Place(path),
        transport=Transport.STDIO,
        command=(command,),
    )


def policy(client: str, *documents: Document) -> ClientPolicy:
    return ENFORCEMENTS[client](documents, ANN)


def answer(found: ClientPolicy, of: Server) -> Answer:
    return found.verdict(of, NOTHING).answer


def test_codex_is_bound_by_its_managed_preferences_alone() -> None:
    found = policy("codex", preferences(entry("a", "npx")))
    assert answer(found, server("a")) is Answer.ALLOWED
    assert answer(found, server("a", "uvx")) is Answer.BLOCKED
    verdict = found.verdict(server("b"), NOTHING)
    assert verdict.blocked
    assert verdict.reason.source == f"{PREFERENCES} at /mcp_servers"


def test_codex_takes_from_the_file_what_the_preferences_leave_open_and_names_where_each_entry_stands() -> None:
    found = policy("codex", requirements(entry("a", "node") + entry("b", "uvx")), preferences(entry("a", "npx")))
    assert [answer(found, each) for each in (server("a"), server("a", "node"), server("b", "uvx"), server("c"))] == [
        Answer.ALLOWED,
        Answer.BLOCKED,
        Answer.ALLOWED,
        Answer.BLOCKED,
    ]
    sources = [found.verdict(each, NOTHING).reason.source or "" for each in (server("a"), server("b", "uvx"))]
    assert [source.partition(" at ")[0] for source in sources] == [PREFERENCES, REQUIREMENTS]
    assert f"{PREFERENCES} and {REQUIREMENTS} has no entry" in found.verdict(server("c"), NOTHING).reason.text


def test_an_empty_table_of_the_preferences_leaves_the_file_s_entries() -> None:
    found = policy("codex", requirements(entry("a", "npx")), preferences("[mcp_servers]\n"))
    assert answer(found, server("a")) is Answer.ALLOWED
    assert answer(policy("codex", preferences("[mcp_servers]\n")), server("a")) is Answer.BLOCKED


def test_a_user_s_preferences_hide_the_device_s_and_those_of_others_do_not_count() -> None:
    device, ann, ben = preferences(entry("a", "npx")), preferences(entry("b", "npx"), "ann"), preferences("", "ben")
    found = policy("codex", device, ann, ben)
    assert (answer(found, server("a")), answer(found, server("b"))) == (Answer.BLOCKED, Answer.ALLOWED)
    assert answer(policy("codex", device, ben), server("a")) is Answer.ALLOWED


def test_preferences_without_requirements_say_nothing() -> None:
    plist = document(DocumentKind.CODEX_PREFERENCES, PREFERENCES, {"config_toml_base64": "eA=="})
    assert policy("codex", plist).state == "none"
    assert policy("codex", plist, requirements(entry("a", "npx"))).state == "effective"


@pytest.mark.parametrize(
    "value", ["no base64!", "W21jcA==", base64.b64encode(b"\xff").decode(), "bWNwX3NlcnZlcnM9MQ=="]
)
def test_preferences_with_a_fault_keep_codex_from_starting(value: str) -> None:
    plist = document(DocumentKind.CODEX_PREFERENCES, PREFERENCES, {"requirements_toml_base64": value})
    found = policy("codex", plist, requirements(entry("a", "npx")))
    assert found.state == "refused"
    assert PREFERENCES in (found.why or "")


@pytest.mark.parametrize(
    "value",
    ["<not a property list>", {"requirements_toml_base64": 1}, Unreadable(Trouble.DENIED, "it may not be read")],
)
def test_preferences_that_cannot_be_read_leave_open_what_binds(value: object) -> None:
    found = policy("codex", document(DocumentKind.CODEX_PREFERENCES, PREFERENCES, value))
    assert found.state == "indeterminate"
    assert answer(found, server("a")) is Answer.UNDETERMINED


NPX, UVX = {"serverCommand": ["npx"]}, {"serverCommand": ["uvx"]}


def copilot(*documents: Document) -> list[Answer]:
    found = policy("github-copilot-cli", *documents)
    return [answer(found, server("s", command, client="github-copilot-cli")) for command in ("npx", "uvx")]


def store(value: object) -> Document:
    return document(DocumentKind.COPILOT_STORE, STORE, value)


@pytest.mark.parametrize("listed", [[NPX], json.dumps([NPX])])
def test_copilot_s_lists_of_the_store_are_lists_or_json_texts(listed: object) -> None:
    assert copilot(store({"allowedMcpServers": listed})) == [Answer.ALLOWED, Answer.BLOCKED]
    assert copilot(store({"deniedMcpServers": listed})) == [Answer.BLOCKED, Answer.ALLOWED]


def test_a_server_must_pass_copilot_s_lists_of_the_store_and_of_the_file() -> None:
    settings = document(DocumentKind.COPILOT_SETTINGS, SETTINGS, {"allowedMcpServers": [NPX, UVX]})
    assert copilot(settings, store({"allowedMcpServers": [NPX]})) == [Answer.ALLOWED, Answer.BLOCKED]
    assert copilot(settings, store({"deniedMcpServers": [NPX]})) == [Answer.BLOCKED, Answer.ALLOWED]
    assert copilot(settings, store({"enabledPlugins": "{}"})) == [Answer.ALLOWED, Answer.ALLOWED]


@pytest.mark.parametrize("value", [{"allowedMcpServers": "npx"}, {"allowedMcpServers": 1}, "null", "rubbish"])
def test_what_copilot_makes_of_a_broken_store_is_not_known(value: object) -> None:
    settings = document(DocumentKind.COPILOT_SETTINGS, SETTINGS, {"allowedMcpServers": [NPX]})
    assert policy("github-copilot-cli", store(value)).state == "indeterminate"
    assert copilot(store(value), settings) == [Answer.UNDETERMINED, Answer.UNDETERMINED]


def access(value: object, path: str = ACCESS, user: str | None = None) -> Document:
    kind = DocumentKind.VSCODE_POLICY if user is None else DocumentKind.VSCODE_USER_POLICY
    return document(kind, path, value, user)


def in_code(folder: str = "Code") -> Server:
    return server("s", client="vscode", path=f"/home/ann/.config/{folder}/User/mcp.json")


def test_vs_code_runs_no_server_where_its_policy_says_none() -> None:
    verdict = policy("vscode", access({"ChatMCP": "none"})).verdict(in_code(), NOTHING)
    assert verdict.blocked
    assert (verdict.reason.entry, verdict.reason.source) == ("ChatMCP", ACCESS)


@pytest.mark.parametrize("folder", ["Code - Insiders", "VSCodium"])
def test_the_policy_of_vs_code_is_not_that_of_another_edition(folder: str) -> None:
    assert answer(policy("vscode", access({"ChatMCP": "none"})), in_code(folder)) is Answer.UNDETERMINED


@pytest.mark.parametrize("value", [{"ChatMCP": "all"}, {"ChatMCP": "registry"}, {"ChatMCP": 0}, {}, [], "rubbish"])
def test_any_other_policy_of_vs_code_decides_nothing(value: object) -> None:
    assert policy("vscode", access(value)).state == "none"


def test_the_machine_s_policy_of_vs_code_comes_before_the_user_s_and_that_of_others_does_not_count() -> None:
    own = access({"ChatMCP": "none"}, "HKU\\S-1-5-21-7\\SOFTWARE\\Policies\\Microsoft\\VSCode\\*", "ann")
    assert policy("vscode", own, access({"ChatMCP": "all"})).state == "none"
    assert policy("vscode", own, access({"TelemetryLevel": "off"})).state == "effective"
    assert policy("vscode", access({"ChatMCP": "none"}, "x", "ben")).state == "none"


def test_a_policy_of_vs_code_that_could_not_be_looked_at_leaves_open_what_binds() -> None:
    unseen = access(Unreadable(Trouble.TIMED_OUT, "it did not answer"))
    assert policy("vscode", unseen).state == "indeterminate"

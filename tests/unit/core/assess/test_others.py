"""A client with a managed policy of its own: what comes of it beside the organisation's, and of its files."""

import pytest

from agent.core.assess.others import OwnPolicies, other_deviations, other_files
from agent.core.observation import ConfigLook, Document, DocumentKind, ManagedLook
from agent.core.place import Place
from agent.core.policy.expansion import Environment
from agent.core.policy.others.vscode import vscode_policy
from agent.core.server import Server, ServerScope, Transport
from agent.core.verdict import Answer, Reason, Verdict
from tests.sim.policies import ANN, data

PATH = "/etc/codex/requirements.toml"
ADMITS = '[mcp_servers.s.identity]\ncommand = "npx"\n'
ALLOWED = Verdict(Answer.ALLOWED, Reason("allowed-by-command", "It is listed."))
BLOCKED = Verdict(Answer.BLOCKED, Reason("not-allowed", "It is not listed."))
SILENT = Verdict(Answer.UNDETERMINED, Reason("no-policy", "There is none."))


def _managed(text: str, mode: int = 0o644) -> ManagedLook:
    document = Document(DocumentKind.CODEX_REQUIREMENTS, PATH, data(text, PATH, mode=mode))
    return ManagedLook("/etc/claude-code", others=(document,))


def _server(command: str = "npx", client: str = "codex") -> Server:
    return Server(
        client=client,
        user="ann",
        scope=ServerScope.USER,
        name="s",
        place=Place("/home/ann/.codex/config.toml"),
        transport=Transport.STDIO,
        command=(command,),
    )


def _own(text: str, mode: int = 0o644) -> OwnPolicies:
    return OwnPolicies([ConfigLook(ANN)], _managed(text, mode), Environment())


@pytest.mark.parametrize(
    ("command", "organisation", "answer", "enforced", "starts"),
    [
        ("npx", ALLOWED, Answer.ALLOWED, False, True),
        ("npx", BLOCKED, Answer.BLOCKED, False, True),
        ("npx", SILENT, Answer.ALLOWED, True, True),
        ("evil", ALLOWED, Answer.BLOCKED, True, False),
        ("evil", BLOCKED, Answer.BLOCKED, True, False),
        ("evil", SILENT, Answer.BLOCKED, True, False),
    ],
)
def test_a_server_must_pass_both_policies(
    command: str,
    organisation: Verdict,
    answer: Answer,
    enforced: bool,  # noqa: FBT001 - a row of the table
    starts: bool,  # noqa: FBT001 - a row of the table
) -> None:
    both = _own(ADMITS).judge(_server(command), organisation)
    assert (both.verdict.answer, both.enforced, both.starts) == (answer, enforced, starts)


def test_a_client_that_does_not_start_loads_nothing_and_leaves_the_verdict_to_the_organisation() -> None:
    both = _own("mcp_servers = 5").judge(_server(), ALLOWED)
    assert (both.verdict, both.enforced, both.starts) == (ALLOWED, False, False)
    assert both.why is not None
    assert PATH in both.why


def test_requirements_that_the_user_may_not_read_keep_codex_from_starting() -> None:
    assert not _own(ADMITS, 0o600).judge(_server(), ALLOWED).starts


def test_other_clients_are_not_bound_by_it() -> None:
    assert _own(ADMITS).judge(_server("evil", "cursor"), ALLOWED).verdict == ALLOWED


def test_the_file_has_a_row_with_its_role() -> None:
    (row,) = other_files(_managed(ADMITS), [ANN], "linux")
    assert (row.path, row.role, row.state) == (PATH, "codex-requirements", "unverified")


@pytest.mark.parametrize(
    ("text", "mode", "control"),
    [
        ("mcp_servers = [", 0o644, "managed-file.malformed"),
        (ADMITS, 0o600, "managed-file.unreadable"),
        (ADMITS, 0o666, "managed-file.exposed"),
    ],
)
def test_what_is_wrong_with_the_file_is_a_deviation(text: str, mode: int, control: str) -> None:
    (found,) = other_deviations(_managed(text, mode), [ANN])
    assert found.key.control == control


@pytest.mark.parametrize(
    ("path", "raw", "because"),
    [
        ("/etc/vscode/policy.json", '{"ChatMCP": "none",}', "it is not JSON ("),
        ("/etc/vscode/policy.json", '["none"]', "its top level is not an object."),
        ("/Library/Managed Preferences/com.microsoft.VSCode.plist", "<not a property list>", "it is no property list."),
    ],
)
def test_a_policy_of_vs_code_that_it_cannot_read_is_told_and_binds_nobody(path: str, raw: str, because: str) -> None:
    broken = Document(DocumentKind.VSCODE_POLICY, path, data(raw, path))
    (found,) = other_deviations(ManagedLook("/etc/claude-code", others=(broken,)), [ANN])
    assert found.key.control == "managed-file.malformed"
    assert f"{path}: VS Code goes on without it, because {because}" in found.text
    assert vscode_policy([broken], ANN).state == "none"
    binding = Document(DocumentKind.VSCODE_USER_POLICY, "/x", data('{"ChatMCP": "none"}', "/x"), user=ANN.name)
    assert vscode_policy([broken, binding], ANN).state == "effective"

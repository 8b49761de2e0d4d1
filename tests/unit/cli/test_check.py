import io
import json
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from agent.cli.main import VERBS, main
from agent.cli.schema import NAMES, schema
from agent.core.documents import CheckDocument
from agent.host.machine import OwnPaths

LOCKED = {
    "allowedMcpServers": [{"serverCommand": ["npx", "-y", "ok"]}, {"serverUrl": "https://mcp.example.com/*"}],
    "allowManagedMcpServersOnly": True,
}


@pytest.fixture(autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the agent's own places out of this machine's."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "agent.toml").touch()
    monkeypatch.setenv("MCP_COMPLIANCE_STATE_FOLDER", str(folder / "state"))
    places = OwnPaths(folder / "agent.toml", folder / "state")
    monkeypatch.setattr("agent.cli.places.own_paths", lambda _: places)
    return folder


class Tree:
    """A file system root to be examined."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.chmod(0o755)

    def put(self, path: str, value: object) -> "Tree":
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
        return self


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path).put("etc/claude-code/managed-settings.json", LOCKED)


def check(tree: Tree, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, dict[str, object]]:
    status = main(["check", "--json", "--root", str(tree.root), *more])
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    return status, json.loads(out)


def by_name(document: dict[str, object]) -> dict[str, dict[str, object]]:
    servers = document["servers"]
    assert isinstance(servers, list)
    return {row["name"]: row for row in servers}


def test_check_finds_and_judges_the_servers_of_every_client_and_user(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.put("home/ann/.claude.json", {"mcpServers": {"ok": {"command": "npx", "args": ["-y", "ok"]}}})
    tree.put("home/bob/.cursor/mcp.json", {"mcpServers": {"bad": {"command": "npx", "args": ["bad"]}}})
    tree.put("home/bob/.codex/config.toml", '[mcp_servers.cx]\ncommand = "cx"\n')
    tree.put("home/bob/.gemini/settings.json", {"mcpServers": {"gm": {"httpUrl": "https://mcp.example.com/x"}}})
    tree.put("home/ann/.config/Code/User/mcp.json", '{ // jsonc\n "servers": {"vs": {"command": "vs"}} }')
    tree.put("home/ann/.config/Claude/claude_desktop_config.json", {"mcpServers": {"cd": {"command": "cd"}}})
    _, document = check(tree, capsys)
    found = {name: (row["client"], row["user"], row["verdict"]) for name, row in by_name(document).items()}
    assert found == {
        "ok": ("claude-code", "ann", "allowed"),
        "bad": ("cursor", "bob", "blocked"),
        "cx": ("codex", "bob", "blocked"),
        "gm": ("gemini-cli", "bob", "allowed"),
        "vs": ("vscode", "ann", "blocked"),
        "cd": ("claude-desktop", "ann", "blocked"),
    }


def test_the_document_is_what_its_schema_says(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    tree.put("home/bob/.cursor/mcp.json", {"mcpServers": {"bad": {"command": "npx", "args": ["bad"]}}})
    _, document = check(tree, capsys)
    TypeAdapter(CheckDocument).validate_python(document)
    assert document["schema"] == "mcp-compliance/check/1"


def test_exit_status_says_compliant_deviating_or_unanswered(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    tree.put("home/ann/.claude.json", {"mcpServers": {"ok": {"command": "npx", "args": ["-y", "ok"]}}})
    exposed = not _owned_by_root(tree)
    assert check(tree, capsys)[0] == (1 if exposed else 0)
    tree.put("home/ann/.cursor/mcp.json", {"mcpServers": {"bad": {"command": "bad"}}})
    assert check(tree, capsys)[0] == 1
    (tree.root / "home/ann/.cursor/mcp.json").write_text("{")
    assert check(tree, capsys)[0] == (1 if exposed else 2)


def _owned_by_root(tree: Tree) -> bool:
    return (tree.root / "etc").stat().st_uid == 0


def test_a_project_is_judged_where_it_is_given(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    tree.put("home/ann/proj/.mcp.json", {"mcpServers": {"p": {"command": "npx", "args": ["-y", "ok"]}}})
    assert "p" not in by_name(check(tree, capsys)[1])
    row = by_name(check(tree, capsys, "--project", "/home/ann/proj", "--user", "ann")[1])["p"]
    assert (row["project"], row["scope"], row["verdict"]) == ("/home/ann/proj", "project", "allowed")


def test_a_stated_environment_settles_what_depends_on_it(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    tree.put("home/ann/.claude.json", {"mcpServers": {"x": {"command": "npx", "args": ["-y", "${PKG}"]}}})
    assert by_name(check(tree, capsys)[1])["x"]["verdict"] == "undetermined"
    assert by_name(check(tree, capsys, "--client-env", "PKG=ok")[1])["x"]["verdict"] == "allowed"
    assert by_name(check(tree, capsys, "--client-env", "PKG=no")[1])["x"]["verdict"] == "blocked"
    assert by_name(check(tree, capsys, "--client-env-complete")[1])["x"]["verdict"] == "blocked"


def test_a_windows_disk_is_examined_on_any_system(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = Tree(tmp_path).put("Program Files/ClaudeCode/managed-settings.json", LOCKED)
    tree.put("Users/ann/.claude.json", {"mcpServers": {"ok": {"command": "npx", "args": ["-y", "ok"]}}})
    tree.put("Users/ann/AppData/Roaming/Claude/claude_desktop_config.json", {"mcpServers": {"cd": {"command": "cd"}}})
    _, document = check(tree, capsys, "--os", "windows")
    rows = by_name(document)
    assert (rows["ok"]["verdict"], rows["cd"]["verdict"]) == ("allowed", "blocked")
    assert rows["ok"]["source"] == {"path": "C:\\Users\\ann\\.claude.json", "pointer": "/mcpServers/ok", "line": None}


def test_processes_are_left_out_of_another_root_and_said_to_be(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    _, document = check(tree, capsys)
    assert document["processes"] == []
    coverage = document["coverage"]
    assert isinstance(coverage, list)
    assert [row["state"] for row in coverage if row["scope"] == "process"] == ["skipped"]


@pytest.mark.parametrize(
    "call",
    [
        ["check", "--root", "/no/such/folder"],
        ["check", "--os", "windows"],
        ["check", "--root", "{root}", "--client-version", "new"],
        ["check", "--root", "{root}", "--client-env", "NOVALUE"],
        ["check", "--root", "{root}", "--user", "nobody-here"],
        ["check", "--settings", "/no/such/file.toml"],
        ["run", "--root", "{root}"],
        ["run", "--json"],
    ],
    ids=" ".join,
)
def test_a_call_that_cannot_be_answered_is_one_clear_line(
    tree: Tree, capsys: pytest.CaptureFixture[str], call: list[str]
) -> None:
    assert main([word.format(root=tree.root) for word in call]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith(f"mcp-compliance {call[0]}: ")


def test_bad_settings_are_told_and_the_look_goes_on(
    tree: Tree, own_state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (own_state / "agent.toml").write_text("[looks]\nprocess_intervall_s = 1\n")
    status = main(["check", "--root", str(tree.root)])
    captured = capsys.readouterr()
    assert "process_intervall_s" in captured.err
    assert "policy: effective" in captured.out
    assert status == 2


def test_the_text_form_ends_in_one_sentence_on_how_the_device_stands(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.put("home/ann/.cursor/mcp.json", {"mcpServers": {"b\x1b[31m\nad": {"command": "bad"}}})
    main(["check", "--root", str(tree.root)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("policy: effective from /etc/claude-code/managed-settings.json")
    assert lines[-1].startswith("This device deviates: ")
    assert not any("\x1b" in line for line in lines)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_useful_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([verb, "--help"])
    assert caught.value.code == 0
    assert len(capsys.readouterr().out.splitlines()) > 8


@pytest.mark.parametrize("name", NAMES)
def test_every_published_document_has_a_schema(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", name]) == 0
    assert json.loads(capsys.readouterr().out) == schema(name)


def test_no_verb_prints_the_help_and_answers_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "VERB" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "status"), [("ok", 0), ("bad", 1), ("open", 2), ("nobody", 2)])
def test_explain_answers_by_its_exit_status(
    tree: Tree, capsys: pytest.CaptureFixture[str], name: str, status: int
) -> None:
    servers = {
        "ok": {"command": "npx", "args": ["-y", "ok"]},
        "bad": {"command": "npx", "args": ["-y", "okay", "--token", "hunter2SECRET"]},
        "open": {"command": "npx", "args": ["-y", "${PKG}"]},
    }
    tree.put("home/ann/.claude.json", {"mcpServers": servers})
    assert main(["explain", name, "--root", str(tree.root)]) == status
    captured = capsys.readouterr()
    assert "hunter2SECRET" not in captured.out + captured.err


def test_explain_shows_the_near_miss_and_what_would_allow_the_server(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.put("home/ann/.claude.json", {"mcpServers": {"near": {"command": "npx", "args": ["-y", "ok@1.2.3"]}}})
    assert main(["explain", "near", "--json", "--root", str(tree.root)]) == 1
    (server,) = json.loads(capsys.readouterr().out)["servers"]
    assert "argument 2" in server["near_misses"][0]
    assert server["allow"]["entry"] == {"serverCommand": ["npx", "-y", "ok@1.2.3"]}
    assert server["steps"][-1]["result"] == "blocks"


def test_policy_lint_gates_a_policy_from_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    weak = {"allowedMcpServers": [{"serverUrl": "https://mcp.example.com*"}]}
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(weak).encode())))
    assert main(["policy", "lint", "-", "--format", "json"]) == 1
    controls = {finding["control"] for finding in json.loads(capsys.readouterr().out)["findings"]}
    assert {"policy.soft-allowlist", "policy.broad-pattern"} <= controls


def test_options_of_policy_lint_may_stand_before_and_behind_the_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "managed-settings.json"
    file.write_text('{"allowedMcpServers": []}')
    said = []
    for words in (["--format", "json", str(file)], [str(file), "--format", "json"]):
        assert main(["policy", "lint", *words]) == 1
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]


def test_policy_lint_finds_nothing_wrong_with_a_tight_policy(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "lint", "--root", str(tree.root)]) == 0
    assert "No weakness" in capsys.readouterr().out

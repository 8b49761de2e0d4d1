"""What other clients that enforce a policy of their own really did, and what the evaluators say of the same files.

`corpus-others/` holds the cases: the managed file, the client's own configuration and what the client of that version
did, offline.
"""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from agent.core.observation import Document, DocumentKind
from agent.core.place import Content, Data, Facts, Missing, Place, Trouble, Unreadable, User
from agent.core.policy.expansion import Environment
from agent.core.policy.others.codex import codex_policy
from agent.core.policy.others.copilot_sources import copilot_policy
from agent.core.policy.others.gemini import gemini_policy
from agent.core.server import Server, ServerScope, Transport
from agent.core.verdict import Answer

CORPUS = Path(__file__).parent / "corpus-others"
NOBODY = User("nobody", "/home", 65534, frozenset({65534}))
REQUIREMENTS = "/etc/codex/requirements.toml"
SETTINGS = {
    "/etc/gemini-cli/settings.json": DocumentKind.GEMINI_SYSTEM,
    "/etc/gemini-cli/system-defaults.json": DocumentKind.GEMINI_DEFAULTS,
}
Case = dict[str, Any]


def _corpus(client: str) -> Case:
    value: Case = json.loads((CORPUS / f"{client}.json").read_text(encoding="utf-8"))
    return value


CODEX = _corpus("codex")
GEMINI = _corpus("gemini-cli")
COPILOT = _corpus("github-copilot-cli")
COPILOT_FILE = "/etc/github-copilot/managed-settings.json"


def _content(case: Case, path: str) -> Content:
    if any(name.startswith(path + "/") for name in case["files"]):
        return Unreadable(Trouble.NOT_REGULAR, "a folder stands there.")
    spec = case["files"].get(path)
    if spec is None:
        return Missing()
    raw = spec["text"].encode() if "text" in spec else bytes.fromhex(spec["hex"])
    folder, mode = int(spec.get("folder_mode", "755"), 8), int(spec.get("mode", "644"), 8)
    above = (Facts("/", "folder", 0o755), Facts(path.rpartition("/")[0], "folder", folder))
    return Data(raw, (*above, Facts(path, "file", mode, size=len(raw))))


def _server(client: str, name: str, command: tuple[str, ...] | None, url: str | None = None) -> Server:
    transport = Transport.STDIO if command is not None else Transport.HTTP
    place = Place("/home/config", f"/{name}")
    scope = ServerScope.USER
    return Server(
        client=client, user="nobody", scope=scope, name=name, place=place, transport=transport, command=command, url=url
    )


def _codex_servers(case: Case) -> dict[str, Server]:
    entries = tomllib.loads(CODEX["config"])["mcp_servers"]
    for flag in case.get("flags", [])[1::2]:
        for name, extra in tomllib.loads(flag)["mcp_servers"].items():
            entries[name] = {**entries.get(name, {}), **extra}
    for path, spec in case["files"].items():
        if path != REQUIREMENTS and "text" in spec and path.startswith("/etc/") and path.endswith("config.toml"):
            entries |= tomllib.loads(spec["text"])["mcp_servers"]
    return {
        name: _server(
            "codex",
            name,
            (entry["command"], *entry.get("args", ())) if "command" in entry else None,
            entry.get("url"),
        )
        for name, entry in entries.items()
    }


def test_the_recorded_cases_are_many() -> None:
    assert sum(len(case["servers"]) for case in CODEX["cases"]) > 1000
    assert len(GEMINI["cases"]) > 30


@pytest.mark.parametrize("case", CODEX["cases"], ids=[case["name"] for case in CODEX["cases"]])
def test_codex_does_what_the_evaluator_says(case: Case) -> None:
    document = Document(DocumentKind.CODEX_REQUIREMENTS, REQUIREMENTS, _content(case, REQUIREMENTS))
    policy = codex_policy([document], NOBODY if case.get("as") else None)
    assert (policy.state == "refused") == (case["refuses"] is not None), policy.why
    servers = _codex_servers(case)
    said = {
        name: policy.state == "effective" and policy.verdict(servers[name], Environment()).answer is Answer.BLOCKED
        for name in case["servers"]
    }
    assert said == {name: word == "blocked" for name, word in case["servers"].items()}


@pytest.mark.parametrize("case", GEMINI["cases"], ids=[case["name"] for case in GEMINI["cases"]])
def test_gemini_starts_what_the_evaluator_says(case: Case) -> None:
    documents = [Document(kind, path, _content(case, path)) for path, kind in SETTINGS.items()]
    if case["mcp"] is not None:
        own = {"files": {"/home/.gemini/settings.json": {"text": json.dumps({"mcp": case["mcp"]})}}}
        path = "/home/.gemini/settings.json"
        documents.append(Document(DocumentKind.GEMINI_USER, path, _content(own, path)))
    policy = gemini_policy(documents, None)
    assert (policy.state == "refused") == (case["refuses"] is not None), policy.why
    if policy.state != "effective":
        return
    environment = Environment(case["env"], complete=True)
    answers = {name: policy.verdict(_server("gemini-cli", name, ("x",)), environment) for name in GEMINI["servers"]}
    assert {name for name, verdict in answers.items() if verdict.answer is Answer.ALLOWED} == set(case["loads"])


@pytest.mark.parametrize("case", COPILOT["cases"], ids=[case["name"] for case in COPILOT["cases"]])
def test_copilot_starts_what_the_evaluator_says(case: Case) -> None:
    document = Document(DocumentKind.COPILOT_SETTINGS, COPILOT_FILE, _content(case, COPILOT_FILE))
    policy = copilot_policy([document], NOBODY if case["as"] else None)
    environment = Environment(case["env"], complete=True)
    servers = {
        name: _server(
            "github-copilot-cli",
            name,
            (entry["command"], *entry["args"]) if "command" in entry else None,
            entry.get("url"),
        )
        for name, entry in COPILOT["config"]["mcpServers"].items()
    }
    said = {name for name, server in servers.items() if policy.verdict(server, environment).answer is Answer.ALLOWED}
    assert said == set(case["loads"])

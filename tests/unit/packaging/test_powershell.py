"""The scripts for Windows, read by a parser of PowerShell's grammar: no PowerShell is in the registries that tests may rely on.

That they parse strictly, call nothing but cmdlets that Windows brings with options that those have, ask the program what it can
answer, and say what the rules of the MDM expect, is shown here; that Windows does what they ask, only Windows shows.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.cli.main import _parser
from agent.core.own_places import NAME
from tests.unit.packaging.test_mdm import MDM, answer

if sys.platform == "win32":
    pytest.skip("its own PowerShell is better", allow_module_level=True)

import tree_sitter
import tree_sitter_powershell

PACKAGING = MDM.parent
SCRIPTS = sorted(PACKAGING.rglob("*.ps1"))
LANGUAGE = tree_sitter.Language(tree_sitter_powershell.language())

# Windows PowerShell 5.1, https://learn.microsoft.com/powershell/module/: the cmdlets that we use, with those of their options.
CMDLETS = {
    "add-type": {"assemblyname"},
    "convertto-json": {"compress", "inputobject"},
    "get-date": set(),
    "get-acl": {"literalpath"},
    "get-item": {"literalpath"},
    "get-service": {"name", "erroraction"},
    "join-path": set(),
    "move-item": {"force", "literalpath", "destination"},
    "new-item": {"itemtype", "path"},
    "new-object": set(),
    "out-null": set(),
    "remove-item": {"recurse", "force", "literalpath"},
    "resolve-path": {"literalpath"},
    "restart-service": {"name", "erroraction"},
    "start-process": {"filepath", "argumentlist", "wait", "passthru"},
    "start-sleep": {"seconds"},
    "test-path": {"literalpath", "pathtype"},
    "write-output": set(),
}


def parsed(text: str) -> tree_sitter.Node:
    return tree_sitter.Parser(LANGUAGE).parse(text.encode()).root_node


def nodes(node: tree_sitter.Node, kind: str) -> Iterator[tree_sitter.Node]:
    if node.type == kind:
        yield node
    for child in node.children:
        yield from nodes(child, kind)


def said(node: tree_sitter.Node) -> str:
    return (node.text or b"").decode()


def wrong(text: str) -> list[str]:
    """Return what is wrong with a script: the places that do not parse, and what Windows PowerShell would not know."""
    root = parsed(text)
    found = [f"line {node.start_point.row + 1} does not parse: {said(node)}" for node in nodes(root, "ERROR")]
    if root.has_error and not found:
        found.append("something is missing")
    own = {said(node).lower() for node in nodes(root, "function_name")}
    for command in nodes(root, "command"):
        name = next((said(node).lower() for node in command.children if node.type == "command_name"), None)
        if name is None or name in own:
            continue  # a program, in a variable, or a function of the script's own
        options = {
            said(node).lstrip("-").rstrip(":").lower()
            for part in command.children
            if part.type == "command_elements"
            for node in part.children
            if node.type == "command_parameter"
        }
        found += [f"{name} -{option}" for option in options - CMDLETS.get(name, set())]
        found += [name] * (name not in CMDLETS)
    return found


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(PACKAGING)))
def test_every_script_parses_and_calls_what_windows_brings(script: Path) -> None:
    assert wrong(script.read_text()) == []
    assert script.read_text().isascii(), "5.1 reads a file without a mark as the machine's code page"


@pytest.mark.parametrize(
    "slip", ["if ($x) { exit 0", "Write-Output 'x", "Get-Servce -Name x", "Get-Item -LiteralPaht x", "$x = @{ a = 1"]
)
def test_a_slip_is_noticed(slip: str) -> None:
    assert wrong(slip) != []


def calls(text: str) -> list[list[str]]:
    """Return the words after `& $program`, call by call."""
    found = []
    for command in nodes(parsed(text), "command"):
        words = said(command).split()
        if words[:2] == ["&", "$program"]:
            found.append(words[2:])
    return found


@pytest.mark.parametrize("name", ["intune/windows/discovery.ps1", "wsone/sensor.ps1"])
def test_what_they_ask_the_program_is_what_it_can_be_asked(name: str) -> None:
    (words,) = calls((MDM / name).read_text())
    parser, module = _parser(words[0])
    assert module is not None
    assert parser.parse_args(words).verb == "status"


def hash_table(text: str) -> dict[str, Any]:
    """Return the one literal hash table of a script."""
    (table,) = nodes(parsed(text), "hash_literal_expression")
    values: dict[str, Any] = {"$false": False, "$true": True}
    found = {}
    for entry in nodes(table, "hash_entry"):
        key, _, value = said(entry).partition("=")
        value = value.strip().rstrip(";")
        found[key.strip()] = values[value] if value in values else json.loads(value.replace("'", '"'))
    return found


OPERATORS = {"IsEquals": lambda fact, operand: fact == operand, "LessEquals": lambda fact, operand: fact <= operand}


def fails(facts: dict[str, Any]) -> set[str]:
    """Return the settings of Intune's rules that `facts` do not satisfy."""
    rules = json.loads((MDM / "intune/rules.json").read_text())["Rules"]
    return {
        rule["SettingName"]
        for rule in rules
        if not OPERATORS[rule["Operator"]](facts[rule["SettingName"]], rule["Operand"])
    }


def test_intune_takes_a_device_without_the_agent_as_not_compliant_and_hears_every_fact(tmp_path: Path) -> None:
    without = hash_table((MDM / "intune/windows/discovery.ps1").read_text())
    facts = json.loads(answer(tmp_path, "compliant", "--format", "intune"))
    assert {key: type(value) for key, value in without.items()} == {key: type(value) for key, value in facts.items()}
    assert {"AgentAlive", "State", "PolicyState"} <= fails(without)


@pytest.mark.parametrize(("state", "failing"), [("compliant", set()), ("deviating", {"State"})])
def test_intune_s_rules_hold_on_a_compliant_device_and_only_there(
    tmp_path: Path, state: str, failing: set[str]
) -> None:
    facts = json.loads(answer(tmp_path, state, "--format", "intune"))
    assert fails(facts) == failing


def test_a_silent_agent_fails_intune_s_rules(tmp_path: Path) -> None:
    assert {"AgentAlive", "State"} <= fails(json.loads(answer(tmp_path, "unknown", "--format", "intune")))


def test_the_token_is_closed_before_it_is_written_and_no_folder_of_a_user_is_trusted() -> None:
    text = (MDM / "token/install-token.ps1").read_text()
    order = [
        "StartsWith('PASTE-')",
        "GetOwner(",
        "'CreateNew', 'FullControl', 'None', 4096, 'None', $closed",
        "$file.Write(",
        "Move-Item",
    ]
    assert [text.index(step) for step in order] == sorted(text.index(step) for step in order)
    assert f"'{NAME}'" in text


def test_the_msi_of_a_release_is_made_of_the_same_description_by_wix() -> None:
    text = (PACKAGING / "windows/build-msi.ps1").read_text()
    description = (PACKAGING / "windows/mcp-compliance-agent.wxs").read_text()
    for variable in ("Version", "Source"):
        assert f"$(var.{variable})" in description
        assert f'"-d{variable}=$' in text
    group, directory = "Program", "INSTALLDIR"
    assert f"'-cg', '{group}'" in text
    assert f'<ComponentGroupRef Id="{group}" />' in description
    assert f"'-dr', '{directory}'" in text
    assert f'<Directory Id="{directory}"' in description

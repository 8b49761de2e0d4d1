"""The files for device management say what each system expects, and only what the program understands."""

import json
import os
import plistlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from copy import copy
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import admx
import jsonschema
import mdm_files
import mdm_settings
import pytest

from agent.config.settings import load
from agent.core.documents import plain
from agent.core.own_places import PLACES, POLICY_KEY, PREFERENCES_DOMAIN
from agent.host.preferences import Pushed
from agent.status.document import FILE_NAME
from tests.sim.statuses import deviation, status

CHECKOUT = Path(__file__).resolve().parents[3]
MDM = CHECKOUT / "packaging" / "mdm"
GENERATED = mdm_files.generated()
SHELL = sorted(MDM.rglob("*.sh"))
STATES = ("compliant", "deviating", "unknown")

APPLE = json.loads((Path(__file__).parent / "apple_keys.json").read_text())["payloads"]
"""What Apple publishes of its payloads; the file names its source. For the agent's own domain Apple publishes the frame alone."""
APPLE_TYPES = {"string": str, "integer": int, "boolean": bool, "array": list, "dictionary": dict}
PROFILES = [name for name in GENERATED if name.endswith(".mobileconfig")]


def against_apple(value: Any, published: Mapping[str, Any], at: str = "") -> Iterator[str]:  # noqa: ANN401 - a property list
    """Yield what in `value` is not as Apple publishes it."""
    if published["type"] == "any":
        return
    if type(value) is not APPLE_TYPES[published["type"]]:
        yield f"{at}: {type(value).__name__} in place of {published['type']}"
        return
    if "values" in published and value not in published["values"]:
        yield f"{at}: {value!r} is none of {published['values']}"
    if isinstance(value, list) and "items" in published:
        for number, item in enumerate(value):
            yield from against_apple(item, published["items"], f"{at}[{number}]")
    keys = published.get("keys", {})
    if isinstance(value, dict) and keys and "ANY" not in keys:
        yield from (f"{at}.{key}: unknown" for key in value.keys() - keys.keys())
        yield from (f"{at}.{key}: missing" for key, row in keys.items() if row.get("required") and key not in value)
        for key in value.keys() & keys.keys():
            yield from against_apple(value[key], keys[key], f"{at}.{key}")


def profile(name: str) -> dict[str, Any]:
    found: dict[str, Any] = plistlib.loads(GENERATED[f"profiles/{name}.mobileconfig"].encode())
    return found


def payload(name: str) -> dict[str, Any]:
    """Return the one payload of a profile without what all payloads have, but for its type."""
    (content,) = profile(name)["PayloadContent"]
    common = APPLE["CommonPayloadKeys"]["keys"]
    return {key: value for key, value in content.items() if key not in common or key == "PayloadType"}


def published(kind: str) -> dict[str, Any]:
    """Return what may stand in a payload of this type."""
    own = APPLE.get(kind, {"keys": {}})["keys"]
    return {"type": "dictionary", "keys": {**APPLE["CommonPayloadKeys"]["keys"], **own}}


@pytest.mark.parametrize("file", PROFILES)
def test_every_profile_is_as_apple_publishes_it(file: str) -> None:
    whole = plistlib.loads(GENERATED[file].encode())
    assert list(against_apple(whole, {"type": "dictionary", "keys": APPLE["TopLevel"]["keys"]})) == []
    assert whole["PayloadScope"] == "System"
    for content in whole["PayloadContent"]:
        form = published(content["PayloadType"])
        if content["PayloadType"] == PREFERENCES_DOMAIN:  # our own settings; the program reads them in another test
            form["keys"] |= {key: {"type": "any"} for key in content.keys() - form["keys"].keys()}
        assert list(against_apple(content, form)) == []
    uuids = [whole["PayloadUUID"], *(content["PayloadUUID"] for content in whole["PayloadContent"])]
    assert len(set(uuids)) == len(uuids)
    assert all(re.fullmatch(r"[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}", uuid) for uuid in uuids)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"RuleType": "Labell"}, "RuleType: 'Labell' is none of"),
        ({"RuleValue": 1}, "RuleValue: int in place of string"),
        ({"Team": "x"}, "Team: unknown"),
        ({"RuleValue": None}, "RuleValue: NoneType"),
    ],
)
def test_what_apple_does_not_know_would_be_noticed(change: dict[str, Any], told: str) -> None:
    content = {**profile("background")["PayloadContent"][0]}
    content["Rules"] = [{**content["Rules"][0], **change}]
    assert any(told in text for text in against_apple(content, published(content["PayloadType"])))
    del content["Rules"]
    assert list(against_apple(content, published(content["PayloadType"]))) == [".Rules: missing"]


@pytest.mark.parametrize("name", GENERATED)
def test_the_generated_files_are_up_to_date(name: str) -> None:
    assert (MDM / name).read_text(encoding="utf-8") == GENERATED[name], "run `make docs`"


def test_the_privacy_profile_lets_exactly_our_signed_program_read_all_files() -> None:
    content = payload("privacy")
    assert content["PayloadType"] == "com.apple.TCC.configuration-profile-policy"
    (entry,) = content["Services"]["SystemPolicyAllFiles"]
    assert "Authorization" not in entry  # not together with Allowed
    assert entry["Identifier"] == PLACES["macos"].program + "/mcp-compliance"
    assert "TEAMID0000" in entry["CodeRequirement"]


def test_the_background_profile_names_our_launch_daemon() -> None:
    content = payload("background")
    assert content["PayloadType"] == "com.apple.servicemanagement"
    (rule,) = content["Rules"]
    assert (rule["RuleType"], rule["RuleValue"]) == ("Label", PREFERENCES_DOMAIN)


def test_the_settings_profile_is_what_the_program_reads(tmp_path: Path) -> None:
    content = payload("settings")
    assert content["PayloadType"] == PREFERENCES_DOMAIN
    loaded = load(tmp_path / "agent.toml", {}, lambda: Pushed("profile", content))
    assert loaded.problems == ()
    assert loaded.settings.endpoint.url == mdm_files.ENDPOINT


def test_for_the_central_endpoint_the_same_file_holds_the_enrolment_key(tmp_path: Path) -> None:
    made = mdm_files.profiles("https://mcp.example.org/v1/events", "ABCDE12345", (), "enrolment_key_file")
    (content,) = plistlib.loads(made["settings.mobileconfig"].encode())["PayloadContent"]
    loaded = load(tmp_path / "agent.toml", {}, lambda: Pushed("profile", content))
    assert loaded.problems == ()
    endpoint = loaded.settings.endpoint
    assert (str(endpoint.enrolment_key_file).rpartition("/")[2], endpoint.token_file) == ("token", None)


def test_an_organisation_gets_profiles_with_its_own_team_and_endpoint() -> None:
    made = mdm_files.profiles("https://mcp.example.org/v1/events", "ABCDE12345")
    assert "TEAMID0000" not in "".join(made.values())
    assert "https://mcp.example.org/v1/events" in made["settings.mobileconfig"]


NAMESPACE = {"p": "http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions"}
SAMPLES: dict[str, Any] = {"text": "x", "decimal": 100_000, "multiText": ["x"], "list": {"server.unpinned": "info"}}
FITTING: dict[str, Any] = {
    "endpoint_url": "https://central.example",
    "endpoint_proxy": "none",
    "network_proxy": "http://proxy.example.com:3128",
    "policy_client_version": "2.1.330",
    "Settings": ["[policy]", "required = false"],
}
"""What settings take that do not take just any text."""


def test_every_policy_of_the_template_sets_what_the_program_understands(tmp_path: Path) -> None:
    policies = ET.fromstring(admx.template()).findall("p:policies/p:policy", NAMESPACE)
    assert len(policies) == len(mdm_settings.settings())
    for policy in policies:
        key = policy.attrib["key"]
        section = key.removeprefix(POLICY_KEY).lstrip("\\")
        (element, *_) = policy.findall("p:elements/*", NAMESPACE) or [policy]
        kind = element.tag.rpartition("}")[2]
        name = policy.attrib["name"]
        value = FITTING.get(name, SAMPLES.get(kind, 1))
        if kind == "decimal":
            value = min(int(value), int(element.attrib["maxValue"]))
        single = value if kind == "list" else {element.attrib["valueName"]: value}
        pushed = Pushed("HKLM", {section: single} if section else single)
        loaded = load(tmp_path / "agent.toml", {}, partial(copy, pushed))
        wrong = [str(problem) for problem in loaded.problems]
        assert not wrong or name == "baseline_public_keys", wrong  # a key that is none is refused, by name
        assert len(wrong) == (name == "baseline_public_keys")


def test_the_template_and_its_texts_name_each_other() -> None:
    text, words = admx.template(), ET.fromstring(admx.language())
    strings = {element.attrib["id"] for element in words.iterfind(".//p:string", NAMESPACE)}
    shown = {element.attrib["id"] for element in words.iterfind(".//p:presentation", NAMESPACE)}
    assert set(re.findall(r"\$\(string\.([\w.-]+)\)", text)) == strings
    assert set(re.findall(r"\$\(presentation\.([\w.-]+)\)", text)) == shown
    elements = {element.attrib["id"] for element in ET.fromstring(text).iterfind(".//p:elements/*", NAMESPACE)}
    assert {element.attrib["refId"] for element in words.iterfind(".//p:presentation/*", NAMESPACE)} == elements


def test_the_jamf_manifest_is_a_schema_that_takes_what_the_program_takes(tmp_path: Path) -> None:
    manifest = mdm_files.jamf_manifest()
    jsonschema.Draft7Validator.check_schema(manifest)
    assert PREFERENCES_DOMAIN in manifest["title"]
    filled = {"endpoint": {"url": "https://central.example"}, "severity": {"server.unpinned": "info"}}
    jsonschema.validate(filled, manifest)
    assert load(tmp_path / "agent.toml", {}, lambda: Pushed("profile", filled)).problems == ()


def test_the_rules_for_intune_are_as_it_wants_them_and_about_what_the_program_says(tmp_path: Path) -> None:
    rules = json.loads((MDM / "intune" / "rules.json").read_text())["Rules"]
    facts = json.loads(answer(tmp_path, "compliant", "--format", "intune"))
    types = {"Boolean": bool, "String": str, "Int64": int}
    for rule in rules:
        assert set(rule) == {"SettingName", "Operator", "DataType", "Operand", "MoreInfoUrl", "RemediationStrings"}
        assert rule["Operator"] in {"IsEquals", "NotEquals", "GreaterThan", "GreaterEquals", "LessThan", "LessEquals"}
        assert type(facts[rule["SettingName"]]) is type(rule["Operand"]) is types[rule["DataType"]]
        assert "en_US" in {text["Language"] for text in rule["RemediationStrings"]}
        for text in rule["RemediationStrings"]:
            assert set(text) == {"Language", "Title", "Description"}


def test_what_intune_hears_without_an_agent_has_every_fact(tmp_path: Path) -> None:
    facts = json.loads(answer(tmp_path, "compliant", "--format", "intune"))
    without = json.loads(run(MDM / "intune" / "linux" / "discovery.sh", tmp_path / "nothing").stdout)
    assert {key: type(value) for key, value in without.items()} == {key: type(value) for key, value in facts.items()}
    assert (without["State"], without["AgentAlive"]) == ("unknown", False)


# The scripts, run


def program(folder: Path, state: str) -> Path:
    """Return a program that answers as the real one does on a device in that `state`."""
    places = folder / state
    places.mkdir(exist_ok=True)
    if state != "unknown":
        found = [deviation("server.denied.running")] if state == "deviating" else []
        document = plain(status(state, *found, written_at=time.time()))  # type: ignore[arg-type] # one of the states
        (places / FILE_NAME).write_text(json.dumps(document))
    (places / "agent.toml").write_text(f'state_folder = "{places}"\n')
    script = places / "mcp-compliance"
    call = "from agent.cli.main import entry; entry()"
    settings = places / "agent.toml"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{call}" "$@" --settings "{settings}"\n')
    script.chmod(0o755)
    return script


def answer(folder: Path, state: str, *arguments: str) -> str:
    done = subprocess.run(
        [program(folder, state), "status", *arguments], capture_output=True, text=True, check=False, cwd=CHECKOUT
    )
    return done.stdout


def run(script: Path, stand_in: Path, *tools: Path) -> subprocess.CompletedProcess[str]:
    """Run `script` with `stand_in` in the place of the program, and `tools` in that of the system's."""
    text = script.read_text()
    for place in (PLACES["macos"].program, PLACES["linux"].program):
        text = text.replace(f"{place}/mcp-compliance", str(stand_in))
    for tool in tools:
        text = text.replace(f"/usr/bin/{tool.name}", str(tool))
    environment = {**os.environ, "PATH": f"{stand_in.parent}:{os.environ['PATH']}"}
    return subprocess.run(
        ["/bin/sh", "-c", text], capture_output=True, text=True, check=False, cwd=CHECKOUT, env=environment
    )


@pytest.mark.parametrize("script", SHELL, ids=lambda path: str(path.relative_to(MDM)))
def test_shellcheck_finds_nothing(script: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "shellcheck", "--severity=style", script],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert os.access(script, os.X_OK)


EXPECTED = {
    "jamf/ea-state.sh": [
        ("<result>compliant;", 0),
        ("<result>deviating; worst: critical;", 0),
        ("<result>unknown;", 0),
    ],
    "kandji/audit.sh": [("compliant:", 0), ("deviating:", 1), ("unknown:", 2)],
    "munki/installcheck.sh": [("mcp_compliance_state=compliant", 1), ("mcp_compliance_state=deviating", 1), ("mcp", 0)],
    "wsone/sensor.sh": [("compliant", 0), ("deviating", 0), ("unknown", 0)],
    "intune/linux/discovery.sh": [('{"State":"compliant"', 0), ('{"State":"deviating"', 0), ('{"State":"unknown"', 0)],
    "intune/macos/custom-attribute.sh": [("compliant", 0), ("deviating", 0), ("unknown", 0)],
}
"""What each script prints first and its exit status, for each of the states."""


@pytest.mark.parametrize("name", EXPECTED)
def test_each_script_answers_its_system_in_every_state(tmp_path: Path, name: str) -> None:
    for state, (start, exit_status) in zip(STATES, EXPECTED[name], strict=True):
        done = run(MDM / name, program(tmp_path, state))
        assert done.stdout.startswith(start), (state, done.stdout, done.stderr)
        assert done.returncode == exit_status
        assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize("name", EXPECTED)
def test_without_the_agent_no_script_says_that_all_is_well(tmp_path: Path, name: str) -> None:
    done = run(MDM / name, tmp_path / "nothing")
    assert "compliant" not in done.stdout
    assert "unknown" in done.stdout or name == "munki/installcheck.sh"
    assert done.returncode == {"kandji/audit.sh": 2}.get(name, 0)
    assert done.stderr == ""


def test_munkis_condition_writes_the_state(tmp_path: Path) -> None:
    tool = tmp_path / "defaults"
    tool.write_text('#!/bin/sh\n[ "$1" = read ] && exit 1\necho "$@"\n')
    tool.chmod(0o755)
    for state in STATES:
        done = run(MDM / "munki" / "conditions" / "mcp_compliance.sh", program(tmp_path, state), tool)
        assert done.stdout == f"write /Library/Managed Installs/ConditionalItems mcp_compliance_state -string {state}\n"


@pytest.mark.parametrize(("state", "restarts"), [("compliant", False), ("deviating", False), ("unknown", True)])
def test_kandjis_remediation_restarts_a_silent_agent_and_changes_nothing_else(
    tmp_path: Path, state: str, *, restarts: bool
) -> None:
    stand_in = program(tmp_path, state)
    launchctl = stand_in.parent / "launchctl"
    launchctl.write_text('#!/bin/sh\necho "launchctl $*"\n')
    launchctl.chmod(0o755)
    done = run(MDM / "kandji" / "remediation.sh", stand_in)
    assert done.stdout.startswith(f"launchctl kickstart -k system/{PREFERENCES_DOMAIN}") is restarts


def test_the_token_is_for_root_alone_and_nothing_is_written_without_one(tmp_path: Path) -> None:
    text = (MDM / "token" / "install-token.sh").read_text().replace("/etc/mcp-compliance-agent", str(tmp_path / "etc"))
    (tmp_path / "systemctl").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "systemctl").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    refused = subprocess.run(["/bin/sh", "-c", text], capture_output=True, text=True, check=False, env=environment)
    assert refused.returncode == 1
    assert "no token was pasted" in refused.stderr
    assert list((tmp_path / "etc").iterdir()) == []
    done = subprocess.run(
        ["/bin/sh", "-c", text.replace("PASTE-THE-TOKEN-HERE", "t0ken")],
        capture_output=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 0
    (token,) = (tmp_path / "etc").iterdir()
    assert (token.name, token.read_text(), token.stat().st_mode & 0o777) == ("token", "t0ken\n", 0o600)


def test_the_pages_name_only_files_that_are_there() -> None:
    for page in MDM.rglob("README.md"):
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page}: {link}"


def test_every_script_for_windows_asks_the_program_where_it_is_installed() -> None:
    folder = PLACES["windows"].program.rpartition("\\")[2]
    for name in ("wsone/sensor.ps1", "intune/windows/discovery.ps1", "intune/windows/detection.ps1"):
        assert f"'{folder}\\mcp-compliance.exe'" in (MDM / name).read_text()

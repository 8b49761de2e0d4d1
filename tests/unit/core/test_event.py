"""Every kind of event is held to the published OCSF 1.8.0 schema, and to what the SOC relies on."""

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from pydantic import TypeAdapter, ValidationError

from agent.cli.schema import schema
from agent.core.control import CONTROLS
from agent.core.deviation import Deviation, Evidence, Key, Severity
from agent.core.documents import (
    CheckDocument,
    ConditionRow,
    CoverageRow,
    DeviceRow,
    PlaceRow,
    PolicyRow,
    ReasonRow,
    RuleRow,
    ServerRow,
    SourceRow,
    StatusDocument,
    SummaryRow,
)
from agent.core.event import ALERTING, Circumstances, finding_events, finding_uid
from agent.core.event_agent import condition_events, started_event, stopped_event
from agent.core.event_device import heartbeat_event, inventory_events, policy_event, policy_facts
from agent.core.ledger import Change, ChangeKind, Record
from agent.core.observation import CoverageState
from agent.core.ocsf.events import ComplianceFinding, Event, EventBase, dumped
from agent.core.server import ServerScope, Transport
from agent.core.verdict import Answer
from agent.core.wire import CLASSES

DEVICE = DeviceRow("device-1", "host", "linux", "12", "0.1", "/")
CIRCUMSTANCES = Circumstances("ab" * 32, {("ann", "cursor"): "1.7.2"})


def deviation(control: str = "server.denied.running", *, user: str | None = "ann") -> Deviation:
    return Deviation(
        key=Key(control, "cursor:ann:x"),
        severity=CONTROLS[control].severity,
        label="ann: npx thing",
        title=CONTROLS[control].title,
        text="runs under cursor. No allow entry matches it.",
        remediation="Stop it.",
        evidence=(
            Evidence("command", "npx thing", pid=41, started_at=9.5),
            Evidence("program", "/opt/thing/cli.js", path="/opt/thing/cli.js", sha256="ab" * 32, owner="ann"),
            Evidence("writer", "It was written by vim (pid 7).", path="/usr/bin/vim", owner="bob", pid=7),
            Evidence("url", "https://mcp.example.com/sse"),
            Evidence("entry", "/home/ann/.cursor/mcp.json:3 at /mcpServers/x", path="/home/ann/.cursor/mcp.json"),
            Evidence("value", "HKLM: it names nothing", path="HKLM\\SOFTWARE\\Policies\\ClaudeCode\\Settings"),
            Evidence("nearest-entry", "entry 1 of allowedMcpServers differs in argument 1: `other` / `thing`"),
        ),
        user=user,
        client="cursor",
    )


def change(kind: ChangeKind = ChangeKind.OPENED, control: str = "server.denied.running") -> Change:
    item = deviation(control)
    return Change(kind, Record(item, 10.0, 20.0, 20.0 if kind is ChangeKind.CLOSED else None), 20.0)


def policy(**given: Any) -> PolicyRow:  # noqa: ANN401 - fields of the row
    source = SourceRow("file", "/etc/claude-code/managed-settings.json", "read", selected=True)
    row = PolicyRow(
        "effective",
        (source,),
        exclusive=False,
        locked=True,
        allow=(RuleRow("serverCommand npx thing", "a"),),
        deny=(),
        client_version="2.1.0",
        digest="one",
    )
    return replace(row, **given)


def server(name: str = "x", **given: Any) -> ServerRow:  # noqa: ANN401 - fields of the row
    row = ServerRow(
        key=f"cursor:ann:{name}",
        client="cursor",
        user="ann",
        project=None,
        scope=ServerScope.USER,
        name=name,
        source=PlaceRow("/home/ann/.cursor/mcp.json", f"/mcpServers/{name}"),
        transport=Transport.STDIO,
        command=("npx", "thing@1.2.3"),
        url=None,
        verdict=Answer.BLOCKED,
        loads=True,
        reason=ReasonRow("no-match", "No allow entry matches it."),
        enforced_by_client=False,
        artifact={"name": "thing", "version": "1.2.3", "purl": "pkg:npm/thing@1.2.3"},
    )
    return replace(row, **given)


def status() -> StatusDocument:
    coverage = (CoverageRow("config/ann", "ann", "cursor", CoverageState.UNREADABLE, "no right"),)
    summary = SummaryRow("unknown", {"servers": 1}, "It is not known how this device stands.")
    check = CheckDocument(DEVICE, policy(), (server(),), (), (), (), coverage, summary)
    condition = ConditionRow("journal.failing", Severity.HIGH, "The journal cannot be written", 1.0)
    return StatusDocument(1.0, 300.0, 0.0, 1, check, (condition,))


@functools.cache
def every_event() -> dict[str, Mapping[str, Any]]:
    events: dict[str, Mapping[str, Any]] = {}
    for control in CONTROLS:
        for kind in ChangeKind:
            for event in finding_events(DEVICE, change(kind, control), CIRCUMSTANCES):
                events[f"{control} {kind} {event['class_uid']}"] = event
    events["heartbeat"] = heartbeat_event(status(), at=1.0, dropped={"folded": 2}, folded=[(1, 2)])
    first = policy_event(DEVICE, None, policy_facts(policy()), at=1.0)
    then = policy_event(DEVICE, policy_facts(policy()), policy_facts(policy(state="none", allow=None)), at=1.0)
    events |= {name: event for name, event in (("first policy", first), ("policy", then)) if event is not None}
    _, inventory = inventory_events(DEVICE, {"gone": "1"}, [server()], at=1.0)
    events |= {f"inventory {number}": event for number, event in enumerate(inventory)}
    events["started"] = started_event(DEVICE, at=1.0, clean=False)
    events["stopped"] = stopped_event(DEVICE, at=1.0, why="it was told to")
    (failed,) = condition_events(DEVICE, (), status().health, at=1.0, counters={"launches": 1})
    events["condition"] = failed
    return events


def queued(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return `event` as the outbox numbers it."""
    return {
        **event,
        "metadata": {**event["metadata"], "sequence": 1},
        "unmapped": {**event["unmapped"], "chain": {"journal": "a", "previous": "0" * 64}},
    }


@functools.cache
def validator(class_uid: int) -> jsonschema.Draft202012Validator:
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.8.0"))
    name = schema.schema.lookup_class_name_from_uid(class_uid)
    return jsonschema.Draft202012Validator(schema.get_class_schema(name, ["host", "security_control"]))


@functools.cache
def own_validator() -> jsonschema.Draft202012Validator:
    jsonschema.Draft202012Validator.check_schema(schema("event"))
    return jsonschema.Draft202012Validator(schema("event"))


@functools.cache
def model() -> TypeAdapter[Any]:
    return TypeAdapter(Event)


@pytest.mark.parametrize("name", list(every_event()))
def test_every_kind_of_event_is_as_the_published_schema_wants_it(name: str) -> None:
    event = queued(every_event()[name])
    assert [f"{list(e.path)}: {e.message}"[:300] for e in validator(event["class_uid"]).iter_errors(event)] == []


@pytest.mark.parametrize("name", list(every_event()))
def test_every_kind_of_event_is_as_our_own_published_schema_says_and_reads_back_as_it_was(name: str) -> None:
    event = queued(every_event()[name])
    own_validator().validate(event)
    read: EventBase = model().validate_python(json.loads(json.dumps(event)))
    assert dumped(read) == event


def test_an_event_that_is_not_as_its_model_says_is_never_made() -> None:
    with pytest.raises(ValidationError):
        ComplianceFinding.model_validate({**every_event()["started"], "class_uid": 2003})


def test_every_class_that_is_declared_is_sent_and_no_other() -> None:
    assert {event["class_uid"] for event in every_event().values()} == set(CLASSES)


def test_what_demands_action_is_an_alert_related_to_its_finding_and_has_an_id_of_its_own() -> None:
    finding, alert = finding_events(DEVICE, change(), CIRCUMSTANCES)
    assert (finding["class_uid"], alert["class_uid"], alert["is_alert"]) == (2003, 2004, True)
    assert "is_alert" not in finding
    (related,) = alert["finding_info"]["related_events"]
    assert related["uid"] == finding["finding_info"]["uid"] == finding_uid(DEVICE.id, change().deviation.key)
    assert alert["finding_info"]["uid"] != finding["finding_info"]["uid"]


def test_what_demands_no_action_now_is_a_finding_alone() -> None:
    assert set(CONTROLS) > ALERTING
    assert len(finding_events(DEVICE, change(control="policy.missing"), CIRCUMSTANCES)) == 1


def test_an_alert_keeps_its_id_from_create_to_close() -> None:
    alerts = [finding_events(DEVICE, change(kind), CIRCUMSTANCES)[1] for kind in ChangeKind]
    assert len({alert["finding_info"]["uid"] for alert in alerts}) == 1
    assert [alert["activity_id"] for alert in alerts] == [1, 2, 3]


def test_evidence_names_command_entries_user_client_version_and_policy() -> None:
    finding, _ = finding_events(DEVICE, change(), CIRCUMSTANCES)
    by_name = {row["name"]: row for row in finding["evidences"]}
    told = {"command", "program", "writer", "url", "entry", "value", "nearest-entry", "user", "client", "policy"}
    assert set(by_name) == told
    assert by_name["client"]["data"] == {"client": "cursor", "client_version": "1.7.2"}
    assert by_name["policy"]["data"]["sha256"] == CIRCUMSTANCES.policy_digest
    techniques = {attack["technique"]["uid"] for attack in finding["finding_info"]["attacks"]}
    assert techniques == {"AML.T0053", "AML.T0112.000", "T1059"}
    assert finding["finding_info"]["tags"] == [{"name": "owasp-mcp-top-10", "values": ["MCP09:2025"]}]


def test_evidence_is_in_the_objects_of_the_schema_where_it_has_any_for_it() -> None:
    finding, _ = finding_events(DEVICE, change(), CIRCUMSTANCES)
    by_name = {row["name"]: row for row in finding["evidences"]}
    process = by_name["command"]["process"]
    assert (process["cmd_line"], process["pid"], process["created_time"]) == ("npx thing", 41, 9_500)
    assert process["user"] == {"name": "ann"}
    kind = {"type_id": 1, "type": "Regular File"}
    assert by_name["entry"]["file"] == {"name": "mcp.json", "path": "/home/ann/.cursor/mcp.json", **kind}
    digest = {"algorithm_id": 3, "algorithm": "SHA-256", "value": "ab" * 32}
    program = {"name": "cli.js", "path": "/opt/thing/cli.js", "owner": {"name": "ann"}, "hashes": [digest]}
    assert by_name["program"]["file"] == {**program, **kind}
    editor = {"name": "vim", "path": "/usr/bin/vim", **kind}
    writer = {"process": {"pid": 7, "file": editor, "user": {"name": "bob"}}, "user": {"name": "bob"}}
    assert by_name["writer"]["actor"] == writer
    assert "file" not in by_name["value"]


def test_a_file_of_windows_is_named_by_its_last_part() -> None:
    path = "C:\\Program Files\\ClaudeCode\\managed-settings.json"
    item = replace(deviation(), evidence=(Evidence("file", path, path=path),))
    (finding, _) = finding_events(DEVICE, Change(ChangeKind.OPENED, Record(item, 1.0, 1.0), 1.0), CIRCUMSTANCES)
    assert finding["evidences"][0]["file"]["name"] == "managed-settings.json"


def test_a_server_that_was_started_anew_is_no_other_fact() -> None:
    assert Evidence("command", "npx thing", pid=1, started_at=1.0) == Evidence("command", "npx thing", pid=2)


def test_a_policy_that_stays_tells_nothing_and_one_that_changes_tells_what_it_gained_and_lost() -> None:
    before = policy_facts(policy())
    assert policy_event(DEVICE, before, policy_facts(policy()), at=1.0) is None
    other = policy(allow=(RuleRow("serverUrl https://a.example/*", "a"),), locked=False, digest="two")
    event = policy_event(DEVICE, before, policy_facts(other), at=1.0)
    assert event is not None
    assert event["unmapped"]["changes"] == [
        "the lock was on and is off",
        "allow gained serverUrl https://a.example/*",
        "allow lost serverCommand npx thing",
    ]
    assert (event["unmapped"]["before"]["digest"], event["unmapped"]["now"]["digest"]) == ("one", "two")


def test_a_policy_that_binds_no_more_is_a_severe_change() -> None:
    event = policy_event(DEVICE, policy_facts(policy()), policy_facts(policy(state="none")), at=1.0)
    assert event is not None
    assert event["severity"] == "High"


def test_the_inventory_tells_what_is_new_changed_and_gone_and_nothing_twice() -> None:
    def told(before: Mapping[str, str], rows: Iterable[ServerRow]) -> tuple[dict[str, str], list[tuple[str, str]]]:
        known, events = inventory_events(DEVICE, before, list(rows), at=1.0)
        return known, [(e["package"]["uid"], e["unmapped"]["server"]["change"]) for e in events]

    known, first = told({}, [server("a"), server("b")])
    assert first == [("cursor:ann:a", "new"), ("cursor:ann:b", "new")]
    assert told(known, [server("a"), server("b")]) == (known, [])
    _, later = told(known, [server("a", verdict=Answer.ALLOWED)])
    assert later == [("cursor:ann:a", "changed"), ("cursor:ann:b", "gone")]


def test_the_inventory_tells_by_which_version_of_claude_code_its_servers_were_judged() -> None:
    rows = [server("a"), server("b", client="claude-code")]
    known, events = inventory_events(DEVICE, {}, rows, at=1.0, client_version="2.1.1")
    assert [event["unmapped"]["server"].get("client_version") for event in events] == [None, "2.1.1"]
    _, later = inventory_events(DEVICE, known, rows, at=2.0, client_version="2.1.2")
    assert [event["unmapped"]["server"]["client_version"] for event in later] == ["2.1.2"]


@pytest.mark.parametrize(
    "control",
    [
        "server.denied.running",
        "server.unapproved.running",
        "server.flag-injected",
        "server.env-override",
        "server.substituted",
        *(f"managed-file.{how}" for how in ("missing", "modified", "malformed", "exposed", "unexpected")),
        "policy.not-effective",
        "baseline.refused",
        "agent.exposed",
    ],
)
def test_what_runs_although_it_must_not_and_what_was_tampered_with_demands_action_now(control: str) -> None:
    assert control in ALERTING


def test_a_condition_is_told_once_while_it_holds() -> None:
    rows = status().health
    assert len(condition_events(DEVICE, (), rows, at=1.0, counters={})) == 1
    assert condition_events(DEVICE, ["journal.failing"], rows, at=1.0, counters={}) == ()


def test_the_published_schema_refuses_an_event_that_lacks_what_its_class_requires() -> None:
    finding, _ = finding_events(DEVICE, change(), CIRCUMSTANCES)
    without = {key: value for key, value in finding.items() if key != "finding_info"}
    assert list(validator(2003).iter_errors(without)) != []
    assert list(validator(2003).iter_errors({**finding, "severity_id": "high"})) != []

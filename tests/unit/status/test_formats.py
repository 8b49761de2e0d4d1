"""What each MDM and the help desk get. Silence is unknown in every one of them, never fine."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from agent.core.advice import UNNAMED, tell_user
from agent.core.control import CONTROLS
from agent.core.deviation import Severity
from agent.core.documents import ConditionRow, DeliveryRow, StatusDocument
from agent.status.document import write
from agent.status.formats import FORMATS
from agent.status.helpdesk import answers, lines
from agent.status.word import Word, last_word
from tests.sim.statuses import deviation, status, with_trouble

FULL = TypeAdapter(StatusDocument)
NOW = 1_000.0


def word(folder: Path, document: StatusDocument | None, now: float = NOW) -> Word:
    if document is not None:
        write(folder, FULL.dump_json(document))
    return last_word((folder,), now, None)


def test_each_format_gives_what_its_mdm_expects(tmp_path: Path) -> None:
    bad = word(tmp_path, status("deviating", deviation("server.denied.running"), deviation("server.unpinned")))
    given = {name: show(bad) for name, show in FORMATS.items()}
    assert given["exit"] == ("", 1)
    assert given["wsone"] == ("deviating", 0)
    assert given["munki"] == ("mcp_compliance_state=deviating", 1)
    assert given["kandji"][1] == 1
    text, exit_status = given["jamf"]
    assert text.startswith("<result>deviating; worst: critical; open: 1; agent alive: yes; data age: 10 s; ")
    assert (text.endswith("</result>"), exit_status) == (True, 0)
    intune = json.loads(given["intune"][0])
    assert intune | {"Why": ""} == {
        "State": "deviating",
        "AgentAlive": True,
        "DataAgeSeconds": 10,
        "OpenDeviations": 1,
        "WorstSeverity": "critical",
        "PolicyState": "effective",
        "ReportsGetThrough": True,
        "AgentVersion": "0.1.0",
        "Why": "",
    }
    assert "\n" not in given["intune"][0]


def test_a_compliant_device_passes_everywhere(tmp_path: Path) -> None:
    fine = word(tmp_path, status("compliant"))
    assert {name: show(fine)[1] for name, show in FORMATS.items()} == {
        "exit": 0,
        "jamf": 0,
        "intune": 0,
        "kandji": 0,
        "wsone": 0,
        "munki": 1,
    }


@pytest.mark.parametrize("age", [None, 4_000.0])
def test_an_agent_that_never_ran_or_has_fallen_silent_is_unknown_in_every_format(
    tmp_path: Path, age: float | None
) -> None:
    silent = word(tmp_path, None if age is None else status("compliant", written_at=NOW - age))
    given = {name: show(silent) for name, show in FORMATS.items()}
    assert (given["exit"][1], given["kandji"][1], given["munki"][1]) == (2, 2, 0)
    assert given["wsone"][0] == "unknown"
    assert "<result>unknown; " in given["jamf"][0]
    intune = json.loads(given["intune"][0])
    assert (intune["State"], intune["AgentAlive"], intune["ReportsGetThrough"]) == ("unknown", False, False)
    assert intune["DataAgeSeconds"] == (-1 if age is None else 4_000)


def test_markup_in_a_reason_stays_text_for_jamf(tmp_path: Path) -> None:
    document = status("deviating", deviation("policy.missing"))
    why = replace(document.check.summary, why="</result><b>fine</b>")
    shown, _ = FORMATS["jamf"](word(tmp_path, replace(document, check=replace(document.check, summary=why))))
    assert shown.count("</result>") == 1
    assert shown.endswith("&lt;/result&gt;&lt;b&gt;fine&lt;/b&gt;</result>")


def test_the_help_desk_gets_ten_lines_that_answer_its_questions(tmp_path: Path) -> None:
    said = list(lines(word(tmp_path, status("deviating", deviation("server.denied.running"))), NOW))
    assert len(said) == 10
    by_label = {line[:10].strip(): line[10:] for line in said}
    assert by_label["Stands"] == "DEVIATING"
    assert by_label["Since"] == "1970-01-01 00:15:00Z (100 seconds)"
    assert by_label["Open"] == "a server that the policy blocks is running (critical)"
    assert by_label["Tell user"].startswith(
        "Quit the program with the server now: it runs a server that the company blocks"
    )
    assert by_label["IT must"].startswith("Stop npx")
    assert by_label["Looked"] == "10 seconds ago"
    assert by_label["Reports"].startswith("get through. central endpoint: last 20 seconds ago, 3 waiting; ")


def test_trouble_with_reports_and_with_the_agent_itself_is_named(tmp_path: Path) -> None:
    said = {line[:10].strip(): line[10:] for line in lines(word(tmp_path, with_trouble(status("compliant"))), NOW)}
    assert said["Reports"].startswith("DO NOT GET THROUGH. central endpoint: reports.example.com: connection refused")
    wanted = "See `mcp-compliance doctor`: the agent has trouble (the journal cannot be written); reports do not get through."
    assert said["IT must"] == wanted


def test_the_client_of_the_worst_deviation_is_what_the_user_is_told_to_quit(tmp_path: Path) -> None:
    document = status("deviating", replace(deviation("server.denied.running"), client="cursor"))
    said = dict(answers(word(tmp_path, document), NOW))
    assert said["Tell user"].startswith("Quit cursor now: it runs a server that the company blocks (")


def test_reports_that_go_nowhere_or_have_not_gone_yet_are_not_said_to_get_through(tmp_path: Path) -> None:
    nowhere = replace(status("compliant"), health=(ConditionRow("endpoint.none", Severity.INFO, "", 1.0),))
    assert dict(answers(word(tmp_path, nowhere), NOW))["Reports"].startswith("stay on this device: no endpoint is")
    waiting = replace(status("compliant"), delivery=(DeliveryRow("https", 30, None, None),))
    said = dict(answers(word(tmp_path, waiting), NOW))["Reports"]
    assert said == "are on their way. central endpoint: none yet since the agent started, 30 waiting"


def test_an_agent_that_fell_silent_tells_since_when(tmp_path: Path) -> None:
    said = dict(answers(word(tmp_path, status("compliant", written_at=NOW - 7_200)), NOW))
    assert said["Since"].endswith("(2 hours), when the agent spoke last")


def test_an_agent_that_was_stopped_says_so_at_once_and_not_how_the_device_stood(tmp_path: Path) -> None:
    stopped = word(tmp_path, replace(status("compliant", written_at=NOW - 1), ended_at=NOW - 1))
    said = dict(answers(stopped, NOW))
    assert said["Stands"] == "UNKNOWN"
    assert said["Why"] == (
        "The agent was stopped 1 second ago: how this device stands is not known since then. Start its service."
    )
    assert (stopped.alive, FORMATS["munki"](stopped)[1]) == (False, 0)


def test_a_user_is_told_of_the_own_servers_first_and_not_to_quit_anything_for_another_users(tmp_path: Path) -> None:
    others = replace(deviation("server.denied.running"), subject=UNNAMED, client=None)
    said = dict(answers(word(tmp_path, status("deviating", others)), NOW))
    assert said["Tell user"] == "It is no server of yours; IT looks after it. You need to do nothing."
    own = replace(deviation("server.unapproved.configured"), client="cursor", severity=Severity.MEDIUM)
    said = dict(answers(word(tmp_path, status("deviating", others, own)), NOW))
    assert said["Tell user"].startswith("Remove a server from cursor")
    assert said["IT must"] == others.remediation


def test_what_it_must_do_is_about_the_deviation_that_the_reason_names(tmp_path: Path) -> None:
    exposed, older = deviation("managed-file.exposed"), replace(deviation("managed-file.modified"), since=1.0)
    both = [replace(row, severity=Severity.CRITICAL, remediation=row.control) for row in (exposed, older)]
    document = status("deviating", *both)  # the document has them in the order in which its sentence counts them
    assert dict(answers(word(tmp_path, document), NOW))["IT must"] == "managed-file.exposed"


def test_silence_is_ten_lines_too_and_says_what_it_must_do(tmp_path: Path) -> None:
    said = list(lines(word(tmp_path, None), NOW))
    assert len(said) == 10
    assert "UNKNOWN" in said[1]
    assert "Start the agent's service" in said[7]


def test_a_name_that_holds_a_line_break_or_a_colour_stays_on_its_line(tmp_path: Path) -> None:
    forged = replace(deviation("policy.missing"), remediation="x\nStands    COMPLIANT\x1b[32m")
    said = list(lines(word(tmp_path, status("deviating", forged)), NOW))
    assert len(said) == 10
    assert all(line.isprintable() for line in said)


@pytest.mark.parametrize("control", list(CONTROLS))
def test_there_is_something_to_tell_the_user_for_every_control(control: str) -> None:
    said = tell_user("deviating", {"control": control, "subject": "npx {x}", "client": None})
    assert said.endswith(".")
    assert "{client}" not in said

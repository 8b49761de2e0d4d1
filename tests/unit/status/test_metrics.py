import re

from prometheus_client.parser import text_string_to_metric_families

from agent.core.control import CONTROLS
from agent.status.metrics import metrics
from tests.sim.statuses import SECRET, deviation, status, with_trouble

NAME, LABEL = r"mcp_compliance_[a-z_]+", r"[a-z]+=\"[^\"\\\n]*\""
LINE = re.compile(rf"(# (HELP|TYPE) {NAME} .+|{NAME}(\{{{LABEL}(,{LABEL})*\}})? -?[0-9.e+]+)")


def test_every_line_is_as_prometheus_wants_it_and_no_subject_is_in_any() -> None:
    text = metrics(with_trouble(status("deviating", *map(deviation, CONTROLS))), {"folded": 3})
    assert [line for line in text.splitlines() if not LINE.fullmatch(line)] == []
    assert text.endswith("\n")
    assert SECRET not in text
    assert "ann" not in re.sub("scan|planned|cannot", "", text)


def test_prometheus_own_parser_reads_every_family_with_its_type() -> None:
    text = metrics(with_trouble(status("deviating", *map(deviation, CONTROLS))), {"folded": 3})
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert all(family.documentation and family.type in ("gauge", "counter") for family in families.values())
    (dropped,) = families["mcp_compliance_events_dropped"].samples
    assert (dropped.labels, dropped.value) == ({"reason": "folded"}, 3.0)
    assert sum(len(family.samples) for family in families.values()) > len(CONTROLS)


def test_the_figures_are_those_of_the_status() -> None:
    text = metrics(status("deviating", deviation("policy.missing"), deviation("policy.missing", "bob")), {"folded": 3})
    for line in (
        'mcp_compliance_state{state="deviating"} 1',
        'mcp_compliance_state{state="compliant"} 0',
        'mcp_compliance_open_deviations{control="policy.missing",severity="high"} 2',
        'mcp_compliance_reports_waiting{destination="https"} 3',
        'mcp_compliance_events_dropped_total{reason="folded"} 3',
        "mcp_compliance_written_seconds 990",
    ):
        assert line in text.splitlines()

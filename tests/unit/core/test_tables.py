from hypothesis import given
from hypothesis import strategies as st

from agent.core.documents import plain
from agent.core.tables import AGENT, POLICY, SERVERS, TABLES, silent_row
from tests.sim.statuses import deviation, status, with_trouble

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(0.5) | st.just("text"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["servers", "policy", "allow", "user", "pending"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def test_a_server_is_shown_with_its_verdict_and_its_command_as_json() -> None:
    row, _ = SERVERS.rows(plain(status()))
    assert row["username"] == "ann"
    assert row["verdict"] == "blocked"
    assert row["command"] == '["npx", "ann-secret-project"]'
    assert row["source_path"] == "/home/ann/.cursor/mcp.json"
    assert row["enforced_by_client"] == 0
    assert row["url"] is None


def test_a_server_is_running_if_it_has_processes() -> None:
    document = plain(status())
    document["check"]["servers"][1]["running"] = [17]
    assert [row["state"] for row in SERVERS.rows(document)] == ["configured", "running"]


def test_the_policy_is_one_row_for_the_whole_and_one_for_each_rule_and_source() -> None:
    document = plain(status())
    rule = {"entry": '{"serverName": "x"}', "source": "/etc/claude-code/managed-settings.json"}
    source = {
        "kind": "files",
        "path": "/etc/claude-code",
        "state": "complete",
        "selected": True,
        "problems": ["too wide"],
    }
    document["check"]["policy"].update(allow=None, deny=[rule], sources=[source])
    whole, origin, deny = POLICY.rows(document)
    assert (whole["kind"], whole["policy_locked"], whole["policy_digest"]) == ("policy", 1, "d1")
    assert (origin["kind"], origin["source"], origin["selected"]) == ("source", "/etc/claude-code", 1)
    assert origin["problems"] == '["too wide"]'
    assert (deny["kind"], deny["entry"], deny["source"]) == ("deny", rule["entry"], rule["source"])


def test_the_agents_row_counts_what_waits_and_names_its_conditions() -> None:
    (row,) = AGENT.rows(plain(with_trouble(status("deviating", deviation("policy.missing")))))
    assert (row["state"], row["device_state"], row["waiting"], row["health"]) == (
        "fresh",
        "deviating",
        3,
        '["journal.failing"]',
    )


def test_a_silent_agent_says_unknown_whatever_it_said_last() -> None:
    row = silent_row("It hangs.", plain(status("compliant")))
    assert (row["state"], row["device_state"], row["why"], row["hostname"]) == (
        "silent",
        "unknown",
        "It hangs.",
        "laptop-7",
    )
    assert silent_row("Never ran.", None)["hostname"] is None


def test_no_column_is_called_path_and_each_is_described() -> None:
    for table in TABLES:
        names = [column.name for column in table.columns]
        assert len(names) == len(set(names))
        assert "path" not in names
        assert all(column.description for column in table.columns)


@given(document=st.dictionaries(st.sampled_from(["check", "health", "delivery", "written_at"]), JSON))
def test_any_document_gives_rows_and_no_exception(document: dict[str, object]) -> None:
    for table in TABLES:
        for row in table.rows(document):
            assert all(value is None or isinstance(value, str | int | float) for value in row.values())

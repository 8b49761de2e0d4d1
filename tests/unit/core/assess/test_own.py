from agent.core.accounts import Accounts
from agent.core.acl import Guard
from agent.core.assess.managed import Ground, judge_managed
from agent.core.observation import ManagedLook
from agent.core.place import Facts

STATE, SETTINGS = "/var/lib/mcp-compliance-agent", "/etc/mcp-compliance-agent/agent.toml"


def exposed(*own: Facts, guards: dict[str, Guard] | None = None) -> list[str]:
    look = ManagedLook("/etc/claude-code", own=own, guards=guards or {}, accounts=Accounts({1000: "ann"}))
    found = judge_managed(look, (), Ground()).deviations
    assert {(item.key.control, item.severity) for item in found} <= {("agent.exposed", "critical")}
    return [item.text for item in found]


def test_an_agent_that_only_root_can_change_is_in_order() -> None:
    assert exposed(Facts("/", "folder", 0o755), Facts(STATE, "folder", 0o700), Facts(SETTINGS, "file", 0o644)) == []


def test_each_part_that_a_user_can_change_is_told_with_the_users_name() -> None:
    mine, open_to_all = Facts(SETTINGS, "file", 0o644, uid=1000), Facts(STATE, "folder", 0o777)
    told = exposed(mine, open_to_all)
    assert told[0].startswith(f"The file {SETTINGS} belongs to ann (uid 1000)")
    assert told[1].startswith(f"The folder {STATE} can be written by everyone")


def test_an_access_control_list_on_the_state_folder_counts() -> None:
    (told,) = exposed(Facts(STATE, "folder", 0o770), guards={STATE: Guard(users=(1000,), group_writes=False)})
    assert "ann (uid 1000), by its access control list" in told


def test_on_windows_the_evidence_holds_no_made_up_number() -> None:
    state = "C:\\ProgramData\\MCPComplianceAgent\\state"
    guards = {state: Guard(others=("everyone",), owner="SYSTEM")}
    look = ManagedLook("C:\\Program Files\\ClaudeCode", own=(Facts(state, "folder", 0o755),), guards=guards)
    (found,) = judge_managed(look, (), Ground("windows")).deviations
    assert [item.text for item in found.evidence] == [f"{state} owner SYSTEM"]

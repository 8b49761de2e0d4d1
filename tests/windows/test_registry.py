"""The policy stores in the real registry, as the agent reads them."""

import json
import sys

from agent.core.acl import Guard
from agent.core.place import Facts
from agent.core.policy.managed import Managed
from agent.core.policy.ranking import read_managed
from agent.core.policy.rulesets import NEWEST
from agent.host.files import RootedFiles
from agent.host.permissions import guards_of
from agent.host.stores import CLAUDE_CODE, Value, profile_of, registry_policies
from agent.sources.stores import store_documents

if sys.platform == "win32":
    import os
    import time
    import winreg
    from pathlib import Path

    from tests.windows.registry import KEY, MACHINE, USER, protected, value

    POLICY = json.dumps(
        {"allowedMcpServers": [{"serverUrl": "https://a.example/*"}], "allowManagedMcpServersOnly": True}
    )
    HKLM = f"HKLM\\{KEY}\\Settings"

    def managed(root: Path) -> Managed:
        documents = tuple(store_documents(RootedFiles(root, "windows"), registry_policies, CLAUDE_CODE))
        return read_managed(documents, None, None, NEWEST)

    def told() -> dict[str | None, Value]:
        return {found.sid: found for found in registry_policies()}

    def test_no_policy_is_no_value() -> None:
        assert registry_policies() == ()

    def test_the_policy_of_the_machine_is_read_as_it_was_written() -> None:
        with value(MACHINE, POLICY):
            assert (told()[None].path, told()[None].text) == (HKLM, POLICY)

    def test_an_expandable_text_counts_unexpanded_as_the_client_reads_it() -> None:
        with value(MACHINE, '{"env": {"A": "%PATH%"}}', winreg.REG_EXPAND_SZ):
            assert told()[None].text == '{"env": {"A": "%PATH%"}}'

    def test_a_number_is_no_policy_and_another_name_is_none_at_all() -> None:
        with value(MACHINE, 1, winreg.REG_DWORD):
            assert told()[None].text is None
        with value(MACHINE, POLICY, name="settings2"):
            assert registry_policies() == ()

    def test_the_policy_of_a_user_comes_with_the_sid_and_the_profile() -> None:
        with value(USER, POLICY):
            (found,) = registry_policies()
            assert found.sid is not None
            assert found.path == f"HKU\\{found.sid}\\{KEY}\\Settings"
            assert (profile_of(found.sid) or "").casefold() == os.environ["USERPROFILE"].casefold()

    def test_all_values_of_claude_desktop_s_key_are_its_policy() -> None:
        with value(MACHINE, 0, winreg.REG_DWORD, "isLocalDevMcpEnabled", r"SOFTWARE\Policies\Claude"):
            (found,) = registry_policies()
        assert (found.client, found.path) == ("claude-desktop", "HKLM\\SOFTWARE\\Policies\\Claude\\*")
        assert json.loads(found.text or "") == {"isLocalDevMcpEnabled": 0}

    def test_the_keys_of_copilot_and_vs_code_are_read_beside_and_each_hive_by_itself() -> None:
        copilot, code = r"SOFTWARE\Policies\GitHubCopilot", r"SOFTWARE\Policies\Microsoft\VSCode"
        lists = '[{"serverCommand": ["npx"]}]'
        with (
            value(MACHINE, lists, winreg.REG_SZ, "allowedMcpServers", copilot),
            value(MACHINE, "none", winreg.REG_SZ, "ChatMCP", code),
            value(USER, "all", winreg.REG_SZ, "ChatMCP", code),
        ):
            found = {(value.client, value.sid is None): json.loads(value.text or "") for value in registry_policies()}
        assert found == {
            ("github-copilot-cli", True): {"allowedMcpServers": lists},
            ("vscode", True): {"ChatMCP": "none"},
            ("vscode", False): {"ChatMCP": "all"},
        }

    def test_a_user_who_is_not_known_has_no_profile() -> None:
        assert profile_of("S-1-5-21-1-2-3-4") is None

    def test_hkcu_alone_is_the_policy_and_is_said_to_be_the_users_own(tmp_path: Path) -> None:
        with value(USER, '{"allowedMcpServers": [{"serverUrl": "*"}]}'):
            said = managed(tmp_path)
        assert [source.selected for source in said.sources] == [True]
        assert {problem.code for problem in said.problems} >= {"users-own"}

    def test_hkcu_counts_for_nothing_beside_hklm(tmp_path: Path) -> None:
        with value(MACHINE, POLICY), value(USER, '{"allowedMcpServers": [{"serverUrl": "*"}]}'):
            said = managed(tmp_path)
        assert [(source.path == HKLM, source.selected) for source in said.sources] == [(True, True), (False, False)]
        assert said.lock is not None
        assert said.allow is not None
        assert len(said.allow) == 1

    def test_a_key_that_users_may_write_names_them_and_one_that_they_may_read_does_not() -> None:
        key = Facts(HKLM, "key")
        guard = guards_of(Path("C:\\"))
        with value(MACHINE, POLICY), protected(MACHINE, "D:P(A;;KA;;;SY)(A;;KA;;;BA)(A;;KR;;;BU)"):
            assert "all users of this machine" not in (guard(key) or Guard()).others
        with value(MACHINE, POLICY), protected(MACHINE, "D:P(A;;KA;;;SY)(A;;KA;;;BA)(A;;KRKW;;;BU)"):
            assert "all users of this machine" in (guard(key) or Guard()).others

    def test_a_key_written_between_two_looks_shows_by_its_time() -> None:
        with value(MACHINE, POLICY):
            before = told()[None].written_ns
        with value(MACHINE, POLICY):
            after = told()[None].written_ns
        assert 0 < before < after < time.time_ns() + 60_000_000_000

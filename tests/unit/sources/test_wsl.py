"""Linux systems inside Windows: found, read where they lie, kept apart, and never started."""

import json

from agent.catalog.rows import catalog
from agent.core.assess.configured import judge_configured
from agent.core.assess.terms import Means
from agent.core.observation import ConfigLook, CoverageState, Document, DocumentKind, ManagedLook
from agent.core.place import Data, Facts
from agent.core.verdict import Answer
from agent.host.users import HomeUsers
from agent.sources.configs import ConfigSource
from agent.sources.wsl import WithWsl
from tests.sim.files import Node, Tree

LOCAL = "C:\\Users\\ann\\AppData\\Local"
UBUNTU = f"{LOCAL}\\Packages\\CanonicalGroupLimited.Ubuntu_79rhkp1fndgsc\\LocalState"
SERVERS = json.dumps({"mcpServers": {"s": {"command": "run"}}})


def source(files: dict[str, str | Node]) -> WithWsl:
    tree = Tree({"C:\\Users\\ann": Node.folder(), **files}, os="windows")
    users = HomeUsers(tree)
    return WithWsl(ConfigSource(tree, users, catalog()), tree, users, catalog())


def ubuntu(files: dict[str, str]) -> dict[str, str | Node]:
    passwd = "root:x:0:0::/root:/bin/bash\nlinus:x:1000:1000::/home/linus:/bin/bash\n"
    return {
        f"{UBUNTU}\\rootfs{path.replace('/', chr(92))}": text for path, text in {"/etc/passwd": passwd, **files}.items()
    }


def by_user(looks: tuple[ConfigLook, ...] | list[ConfigLook]) -> dict[str, ConfigLook]:
    return {look.user.name: look for look in looks}


def test_the_homes_of_a_system_of_version_1_are_looked_at_as_linux_homes() -> None:
    files = ubuntu(
        {"/home/linus/.codex/config.toml": '[mcp_servers.c]\ncommand = "c"\n', "/root/.claude.json": SERVERS}
    )
    files["C:\\Users\\ann\\.claude.json"] = SERVERS
    looking = source(files)
    looks = by_user(list(looking.look()))
    name = "CanonicalGroupLimited.Ubuntu"
    assert set(looks) == {"ann", f"linus@{name}", f"root@{name}"}
    (codex,) = looks[f"linus@{name}"].servers
    assert (codex.client, codex.user, codex.place.path) == (
        "codex",
        f"linus@{name}",
        "/home/linus/.codex/config.toml",
    )
    assert [server.place.path for server in looks[f"root@{name}"].servers] == ["/root/.claude.json"]
    assert [look.apart for look in looks.values()].count(True) == 2
    assert not looks["ann"].apart
    assert by_user(list(looking.look())) == looks


def test_a_link_out_of_such_a_system_leads_nowhere() -> None:
    files = ubuntu({"/home/linus/x": ""})
    files[f"{UBUNTU}\\rootfs\\home\\linus\\.claude.json"] = Node.link("C:\\Users\\ben\\.claude.json")
    files["C:\\Users\\ben\\.claude.json"] = SERVERS
    looks = by_user(list(source(files).look()))
    assert looks["linus@CanonicalGroupLimited.Ubuntu"].servers == ()


def test_the_disk_of_a_system_of_version_2_is_said_not_to_be_seen() -> None:
    disks = [f"{UBUNTU}\\ext4.vhdx", f"{LOCAL}\\wsl\\{{0b1c}}\\ext4.vhdx"]
    looks = by_user(list(source(dict.fromkeys(disks, "vhdx")).look()))
    skipped = [row for row in looks["ann"].coverage if row.state is CoverageState.SKIPPED]
    assert {row.scope.path for row in skipped} == set(disks)
    assert all("run the agent in that system too" in (row.problem or "") for row in skipped)
    assert set(looks) == {"ann"}


def test_what_the_policy_blocks_there_is_not_taken_for_enforced() -> None:
    looks = source(ubuntu({"/home/linus/.claude.json": SERVERS})).look()
    raw = json.dumps({"allowManagedMcpServersOnly": True, "allowedMcpServers": [{"serverUrl": "https://x.example/*"}]})
    path = "C:\\Program Files\\ClaudeCode\\managed-settings.json"
    document = Document(DocumentKind.MANAGED_SETTINGS, path, Data(raw.encode(), (Facts(path, "file"),)))
    managed = ManagedLook("C:\\Program Files\\ClaudeCode", (document,))
    judged = [item for item in judge_configured(looks, managed, Means("windows")).judged if item.server.name == "s"]
    assert [(item.verdict.answer, item.enforced, item.loads) for item in judged] == [(Answer.BLOCKED, False, None)]


def test_what_windows_lets_its_linux_inherit_is_enforced_there() -> None:
    looks = source(ubuntu({"/home/linus/.claude.json": SERVERS, "/home/linus/.codex/config.toml": CODEX})).look()
    policy = {"allowManagedMcpServersOnly": True, "allowedMcpServers": [{"serverUrl": "https://x.example/*"}]}

    def judged(
        value: dict[str, object], kind: DocumentKind, version: str | None = None
    ) -> list[tuple[str, Answer, bool]]:
        path = "C:\\Program Files\\ClaudeCode\\managed-settings.json"
        document = Document(kind, path, Data(json.dumps(value).encode(), (Facts(path, "file"),)))
        managed = ManagedLook("C:\\Program Files\\ClaudeCode", (document,))
        found = judge_configured(looks, managed, Means("windows", client_version=version)).judged
        return sorted((item.server.name, item.verdict.answer, item.enforced) for item in found)

    enforced = [("c", Answer.BLOCKED, False), ("s", Answer.BLOCKED, True)]
    only_told = [("c", Answer.BLOCKED, False), ("s", Answer.BLOCKED, False)]
    inherits = {**policy, "wslInheritsWindowsSettings": True}
    for kind in (DocumentKind.MANAGED_SETTINGS, DocumentKind.MANAGED_PREFERENCES):
        assert judged(inherits, kind) == enforced
        assert judged(policy, kind) == only_told
        assert judged(inherits, kind, "2.1.117") == only_told
    assert judged(inherits, DocumentKind.USER_REGISTRY) == only_told


CODEX = '[mcp_servers.c]\ncommand = "c"\n'

"""Which managed files are looked at, and which are found lying in places that nobody reads."""

import pytest

from agent.catalog.rows import catalog
from agent.core.acl import Guard
from agent.core.observation import CoverageState, DocumentKind, ManagedLook
from agent.core.place import Data, Facts, Missing, Names, Os, Trouble, Unreadable
from agent.sources.managed import ManagedSource, Surroundings
from tests.sim.files import Node, Tree

ROW = catalog()["claude-code"]
ETC = "/etc/claude-code"


def look(tree: Tree) -> ManagedLook:
    (found,) = ManagedSource(tree, ROW).look()
    return found


@pytest.mark.parametrize(
    ("os", "folder"),
    [
        ("linux", ETC),
        ("macos", "/Library/Application Support/ClaudeCode"),
        ("windows", "C:\\Program Files\\ClaudeCode"),
    ],
)
def test_settings_dropins_and_servers_are_read_in_the_folder_of_the_system(os: Os, folder: str) -> None:
    slash = "\\" if os == "windows" else "/"
    names = (
        "managed-settings.json",
        f"managed-settings.d{slash}10-a.json",
        f"managed-settings.d{slash}9-b.json",
        "managed-mcp.json",
    )
    found = look(Tree({folder + slash + name: "{}" for name in names}, os=os))
    assert found.folder == folder
    assert [(document.kind, document.path) for document in found.documents] == [
        (DocumentKind.MANAGED_SETTINGS, folder + slash + names[0]),
        (DocumentKind.MANAGED_DROPIN, folder + slash + names[1]),
        (DocumentKind.MANAGED_DROPIN, folder + slash + names[2]),
        (DocumentKind.MANAGED_MCP, folder + slash + names[3]),
    ]
    assert all(isinstance(document.content, Data) for document in found.documents)
    assert isinstance(found.dropin_folder, Names)
    assert found.misplaced == ()
    assert found.coverage[0].state is CoverageState.COMPLETE


def test_nothing_there_is_absent_and_the_documents_say_missing() -> None:
    found = look(Tree({"/etc/x": ""}))
    assert all(isinstance(document.content, Missing) for document in found.documents)
    assert isinstance(found.dropin_folder, Missing)
    assert found.coverage[0].state is CoverageState.ABSENT


def test_files_that_no_client_reads_are_found_where_they_lie() -> None:
    places = [
        f"{ETC}/Managed-Settings.json",
        f"{ETC}/.managed-mcp.json",
        f"{ETC}/managed-settings.d/.hidden.json",
        f"{ETC}/managed-settings.d/a.JSON",
        f"{ETC}/managed-settings.d/b.jsonc",
        f"{ETC}/managed-settings.d/c.json.txt",
        f"{ETC}/managed-settings.d/nested/b.json",
        "/etc/ClaudeCode/managed-settings.json",
        "/etc/ClaudeCode/managed-settings.d/c.json",
    ]
    innocent = [
        f"{ETC}/managed-settings.d/x.json.bak",
        f"{ETC}/README.md",
        f"{ETC}/managed-settings.d/README",
        f"{ETC}/managed-settings.d/old/notes.txt",
    ]
    found = look(Tree(dict.fromkeys([*places, *innocent], "{}")))
    assert sorted(document.path for document in found.misplaced) == sorted(places)
    assert [document for document in found.documents if not isinstance(document.content, Missing)] == []


def test_the_folder_that_windows_clients_no_longer_read_is_looked_into() -> None:
    found = look(Tree({"C:\\ProgramData\\ClaudeCode\\managed-settings.json": "{}"}, os="windows"))
    assert [document.path for document in found.misplaced] == ["C:\\ProgramData\\ClaudeCode\\managed-settings.json"]


def test_another_case_is_the_same_name_on_a_mac_and_no_mistake() -> None:
    folder = "/Library/Application Support/ClaudeCode"
    found = look(Tree({f"{folder}/Managed-Settings.json": "{}"}, os="macos"))
    assert isinstance(found.documents[0].content, Data)
    assert found.misplaced == ()


@pytest.mark.parametrize("trouble", [Trouble.DENIED, Trouble.IO_ERROR])
def test_a_managed_file_that_cannot_be_looked_at_makes_the_look_inconclusive(trouble: Trouble) -> None:
    found = look(Tree({f"{ETC}/managed-settings.json": Node(trouble=trouble)}))
    assert found.coverage[0].state is CoverageState.UNREADABLE
    assert found.coverage[0].problem


def test_a_fifo_in_place_of_a_managed_file_is_a_fact_and_the_look_is_complete() -> None:
    found = look(Tree({f"{ETC}/managed-mcp.json": Node.fifo()}))
    assert isinstance(found.documents[-1].content, Unreadable)
    assert found.coverage[0].state is CoverageState.COMPLETE


def test_a_link_out_of_the_managed_folder_is_followed_as_the_client_follows_it() -> None:
    found = look(Tree({f"{ETC}/managed-settings.json": Node.link("/home/ann/mine.json"), "/home/ann/mine.json": "{}"}))
    content = found.documents[0].content
    assert isinstance(content, Data)
    assert content.facts.path == "/home/ann/mine.json"


WSL = {"/proc/version": "Linux version 5.15.167.4-microsoft-standard-WSL2 (root@x) #1 SMP\n"}
WINDOWS = "/mnt/c/Program Files/ClaudeCode"


@pytest.mark.parametrize(("kernel", "unseen"), [(WSL["/proc/version"], ["windows"]), ("Linux version 6.1.0-28\n", [])])
def test_a_linux_inside_windows_says_that_the_registry_is_not_seen_from_it(kernel: str, unseen: list[str]) -> None:
    rows = look(Tree({"/proc/version": kernel})).coverage
    assert [row.scope.path for row in rows if row.state is CoverageState.SKIPPED] == unseen


def test_inside_windows_the_managed_files_of_windows_are_read_and_nowhere_else() -> None:
    files = {
        f"{WINDOWS}/managed-settings.json": "{}",
        f"{WINDOWS}/managed-settings.d/1.json": "{}",
        f"{WINDOWS}/managed-settings.d/.x": "",
    }
    kinds = {DocumentKind.WINDOWS_SETTINGS, DocumentKind.WINDOWS_DROPIN}
    inside = [item.path for item in look(Tree({**files, **WSL})).documents if item.kind in kinds]
    assert inside == [f"{WINDOWS}/managed-settings.json", f"{WINDOWS}/managed-settings.d/1.json"]
    assert not [item for item in look(Tree(files)).documents if item.kind in kinds]


def test_the_folders_are_watched_also_while_they_do_not_exist() -> None:
    watched = ManagedSource(Tree({}), ROW).watched()
    assert f"{ETC}/" in watched
    assert f"{ETC}/managed-settings.d/" in watched
    assert "/etc/ClaudeCode/managed-settings.json" in watched


@pytest.mark.parametrize(("os", "asked"), [("linux", {"/s", "/s/agent.toml"}), ("macos", {"/s"})])
def test_lists_of_the_agent_s_own_files_are_looked_at_where_that_starts_no_program(os: Os, asked: set[str]) -> None:
    own = (Facts("/s", "folder"), Facts("/s/agent.toml", "file"))
    around = Surroundings(guard=lambda _: Guard(users=(1000,)), own=lambda: own)
    (found,) = ManagedSource(Tree({}, os=os), ROW, around=around).look()
    assert found.guards.keys() & {"/s", "/s/agent.toml"} == asked

"""Configuration that is kept elsewhere, as the disk tells: in a packaged program's own folders, and where a file points to."""

import json
from collections.abc import Mapping

import pytest

from agent.core.place import Os
from tests.sim.files import Node, Tree
from tests.sim.looks import look

SERVERS = json.dumps({"mcpServers": {"s": {"command": "run"}}})
PACKAGES = "C:\\Users\\ann\\AppData\\Local\\Packages"


def windows(files: Mapping[str, str]) -> Tree:
    return Tree({"C:\\Users\\ann": Node.folder(), **files}, os="windows")


def found(tree: Tree) -> set[tuple[str, str]]:
    return {(server.client, server.place.path) for server in look(tree).servers}


@pytest.mark.parametrize(
    ("package", "path", "client"),
    [
        ("Claude_pzs8sxrjxfjjc", "LocalCache\\Roaming\\Claude\\claude_desktop_config.json", "claude-desktop"),
        ("SomeStore.Witsy_1", "LocalCache\\Roaming\\Witsy\\settings.json", "witsy"),
        ("GitHub.x", "LocalCache\\Local\\crush\\crush.json", "crush"),
    ],
)
def test_what_windows_redirects_for_a_packaged_program_is_read_there(package: str, path: str, client: str) -> None:
    content = SERVERS if client != "crush" else json.dumps({"mcp": {"s": {"command": "run"}}})
    place = f"{PACKAGES}\\{package}\\{path}"
    usual = f"C:\\Users\\ann\\AppData\\{path.split(chr(92), 1)[1]}"
    assert found(windows({place: content, f"{PACKAGES}\\Other_1\\LocalCache\\Roaming\\Spotify\\x": ""})) == {
        (client, place)
    }
    assert found(windows({place: content, usual: content})) == {(client, place), (client, usual)}


def test_packages_that_keep_nothing_of_a_client_are_only_listed() -> None:
    idle = {f"{PACKAGES}\\P{n}\\LocalCache\\Roaming\\Microsoft\\x": "" for n in range(50)}
    tree = windows(idle)
    look(tree)
    assert not any("Packages" in path and "Microsoft" in path for path in tree.reads)


@pytest.mark.parametrize(
    ("os", "client", "files"),
    [
        ("linux", "lm-studio", {"~/.lmstudio-home-pointer": "/data/lm\n", "/data/lm/mcp.json": SERVERS}),
        (
            "linux",
            "rovo-dev",
            {"~/.rovodev/config.yml": "mcp:\n  mcpConfigPath: ~/other.json\n", "~/other.json": SERVERS},
        ),
        (
            "macos",
            "jetbrains-ai-assistant",
            {
                "~/Library/Application Support/JetBrains/IntelliJIdea2026.1/options/ide.general.xml": (
                    '<application><component name="Registry">'
                    '<entry key="other" value="/x"/>'
                    '<entry key="llm.mcp.client.global.mcp.json.path" value="/opt/shared.json"/></component></application>'
                ),
                "/opt/shared.json": SERVERS,
            },
        ),
    ],
)
def test_a_file_that_says_where_the_configuration_is_is_followed(os: Os, client: str, files: Mapping[str, str]) -> None:
    home = "/Users/ann" if os == "macos" else "/home/ann"
    planted = {path.replace("~", home): text for path, text in files.items()}
    assert {name for name, _ in found(Tree({home: Node.folder(), **planted}, os=os))} == {client}


@pytest.mark.parametrize("text", ["relative", "", "\0", "/etc/shadow", "x" * 5000])
def test_a_pointer_to_nowhere_costs_nothing(text: str) -> None:
    tree = Tree({"/home/ann": Node.folder(), "/home/ann/.lmstudio-home-pointer": text, "/etc/shadow/mcp.json": "{"})
    assert found(tree) == set()

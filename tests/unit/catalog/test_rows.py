"""The catalog's rows: complete, sane on all three systems, and clear about what is wrong with a bad one."""

from typing import get_args

import pytest

from agent.catalog.paths import expand, folder_of_uri, folders_above, spelt
from agent.catalog.rows import CatalogError, catalog, parse_row
from agent.core.place import Os, pure_path
from agent.core.recognition import recognise
from tests.golden.trees import CASES, Case, expected, processes, seen, servers

HOMES: dict[Os, str] = {"linux": "/home/ann", "macos": "/Users/ann", "windows": "C:\\Users\\ann"}
SYSTEMS: tuple[Os, ...] = get_args(Os)
ROW = """
id = "x"
title = "X"
enforces = false
[folders.data]
linux = ["${XDG_CONFIG_HOME:-~/.config}/X", "~/.x"]
[[file]]
scope = "user"
path = "<data>/mcp.json"
format = "json"
shape = "servers"
confidence = "vendor"
source = "here"
"""


def test_every_known_client_is_there_and_only_claude_code_enforces_a_policy() -> None:
    ids = [row.id for row in catalog().rows]
    assert ids == sorted(ids)
    assert len(ids) == 80
    assert catalog().enforcing == {"claude-code"}


@pytest.mark.parametrize("os", SYSTEMS)
def test_every_path_of_every_row_is_absolute_on_every_system(os: Os) -> None:
    project = "C:\\p" if os == "windows" else "/p"
    for row in catalog().rows:
        for file in row.file:
            for path in expand(row, file.path, os, home=HOMES[os], project=project):
                assert pure_path(os, path).is_absolute(), (row.id, path)
                assert not set("<>${}%~") & set(path), (row.id, path)
                assert (file.shape is None) != (file.document is None) or file.shape in (
                    "claude_state",
                    "gemini_servers",
                )
                assert (file.shape == "claude_state") <= (file.format in ("json", "json-utf8"))


def test_every_client_has_a_place_or_says_why_there_is_none() -> None:
    for row in catalog().rows:
        assert row.file or row.unread or row.note, row.id
        assert bool(row.note) != bool(row.file or row.unread), row.id


def test_every_client_that_shares_a_file_with_others_has_traces_to_tell_it_by() -> None:
    for row in catalog().rows:
        shared = {os for file in row.file if file.shared for os in file.path}
        assert shared <= {os for os in row.traces if row.traces[os]}, row.id


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_recorded_trees_are_recognised_by_the_marks_of_the_rows(case: Case) -> None:
    assert seen(recognise(processes(case), servers(case), catalog().marks, now=2000.0)) == expected(case)


def test_marks_of_processes_come_from_the_rows() -> None:
    marks = {mark.client: mark for mark in catalog().marks}
    assert "claude" in marks["claude-code"].executables
    assert marks["vscode"].editor
    generic = {"node", "python", "electron", "java", "agent", "docker", "q", "pi", "fx", "cn", "nvim", "code-server"}
    assert not any(generic & mark.executables for mark in marks.values())


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('scope = "user"', 'scope = "usr"', "file.0.scope"),
        ('format = "json"', 'format = "jsn"', "file.0.format"),
        ('source = "here"', "", "file.0.source"),
        ("<data>", "<date>", "<date>"),
        ('title = "X"', 'titel = "X"', "title"),
        ('id = "x"', 'id = "y"', "id"),
        ('id = "x"', "id =", "Invalid value"),
    ],
)
def test_a_bad_row_is_named_with_its_key(old: str, new: str, told: str) -> None:
    with pytest.raises(CatalogError, match=r"^x\.toml: ") as error:
        parse_row(ROW.replace(old, new), "x.toml")
    assert told in str(error.value)


def test_folders_and_variables_fill_a_template() -> None:
    row = parse_row(ROW, "x.toml")
    path = row.file[0].path
    assert expand(row, path, "linux", home="/home/ann") == ("/home/ann/.config/X/mcp.json", "/home/ann/.x/mcp.json")
    given = expand(row, path, "linux", home="/home/ann", environment={"XDG_CONFIG_HOME": "/cfg"})
    assert given[0] == "/cfg/X/mcp.json"
    for unusable in ("", "relative", "~/x", "/a\0b"):
        env = {"XDG_CONFIG_HOME": unusable}
        assert expand(row, path, "linux", home="/h", environment=env)[0] == "/h/.config/X/mcp.json"
    assert expand(row, path, "macos", home="/Users/ann") == ()


def test_a_project_of_an_odd_name_is_taken_as_it_is() -> None:
    row = catalog()["claude-code"]
    file = next(file for file in row.file if file.ancestors)
    for project in ("/p/<data>", "/p/${HOME:-x}", "/p/%APPDATA%", "/p/~"):
        assert expand(row, file.path, "linux", home="/h", project=project) == (f"{project}/.mcp.json",)


@pytest.mark.parametrize(
    ("os", "uri", "folder"),
    [
        ("linux", "file:///home/ann/a%20b", "/home/ann/a b"),
        ("windows", "file:///c%3A/Users/ann/p", "C:\\Users\\ann\\p"),
        ("linux", "vscode-remote://ssh-remote%2Bhost/srv", None),
        ("linux", "file://server/share", None),
        ("linux", "file:relative", None),
        ("linux", "http://[", None),
        ("linux", "file:///a%00b", None),
    ],
)
def test_a_uri_names_a_local_folder_or_nothing(os: Os, uri: str, folder: str | None) -> None:
    assert folder_of_uri(os, uri) == folder


@pytest.mark.parametrize(
    "path", ["/", "/a", "/a/b.c/d", "/a//b", "/a/./b", "/a/../b", "/a/b/", "//a", "/a/..b/.c", "/a b/\n"]
)
def test_paths_are_spelt_and_climbed_as_the_system_does(path: str) -> None:
    assert spelt("linux", path) == str(pure_path("linux", path))
    assert folders_above("linux", path) == tuple(str(parent) for parent in pure_path("linux", path).parents)

"""Formats and shapes: one bad entry costs that entry, each shape as its clients write it."""

from dataclasses import replace
from typing import Any, get_args

import pytest

from agent.catalog import maps, shapes
from agent.catalog.entries import Origin, Servers
from agent.catalog.formats import Malformed, Parsed, located, parse_as
from agent.catalog.rows import Format, Shape
from agent.catalog.shapes import read_shape
from agent.core.server import ServerScope, Transport

ORIGIN = Origin("linux", "x", "ann", ServerScope.USER, "/f")
FORMATS: tuple[Format, ...] = get_args(Format)
CONTENTS: dict[Format, bytes] = {
    "toml": b'a = "1"',
    "yaml": b"a: '1'",
    "front-matter": b"---\na: '1'\n---\ntext",
    "plist": b"<plist><dict><key>a</key><string>1</string></dict></plist>",
    "properties": b"a=1",
}
BROKEN: dict[Format, bytes] = {
    "front-matter": b'---\ntoken: "canary\n---\n',
    "yaml": b'token: "canary',
    "properties": b"",
    "shell": b"",
}


def read(shape: Shape, value: object, pointer: str = "/mcpServers") -> Servers:
    return read_shape(shape, value, pointer, ORIGIN)


def entry(shape: Shape, fields: object, pointer: str = "/mcpServers") -> Servers:
    return read(shape, {pointer[1:]: {"s": fields}}, pointer)


@pytest.mark.parametrize(
    ("shape", "fields", "transport", "what"),
    [
        ("servers", {"command": "a", "args": ["b", 1, True]}, Transport.STDIO, ("a", "b", "1", "true")),
        ("servers", {"command": ["a", "b"], "args": ["c"]}, Transport.STDIO, ("a", "b", "c")),
        ("servers", {"url": "u"}, Transport.HTTP, "u"),
        ("servers", {"serverUrl": "u"}, Transport.HTTP, "u"),
        ("servers", {"url": "u", "type": "sse"}, Transport.SSE, "u"),
        ("servers", {"url": "u", "transport": "streamable-http"}, Transport.HTTP, "u"),
        ("servers", {"url": "u", "command": "a"}, Transport.STDIO, ("a",)),
        ("servers", {"url": "u", "command": "a", "type": "http"}, Transport.HTTP, "u"),
        ("servers", {"url": "u", "command": "a", "type": "nonsense"}, Transport.STDIO, ("a",)),
        ("gemini_servers", {"url": "u"}, Transport.SSE, "u"),
        ("gemini_servers", {"url": "u", "httpUrl": "h", "command": "a"}, Transport.HTTP, "h"),
        ("gemini_servers", {"url": "u", "type": "http"}, Transport.HTTP, "u"),
        ("codex_servers", {"url": "u"}, Transport.HTTP, "u"),
        ("claude_servers", {"command": "a", "url": "u"}, Transport.STDIO, ("a",)),
        ("claude_servers", {"type": "streamable-http", "url": "u"}, Transport.HTTP, "u"),
    ],
)
def test_an_entry_is_read_as_its_clients_read_it(shape: Shape, fields: Any, transport: Transport, what: object) -> None:  # noqa: ANN401 - JSON
    (server,) = entry(shape, fields).servers
    assert (server.transport, server.command or server.url) == (transport, what)
    assert server.place.pointer == "/mcpServers/s"


@pytest.mark.parametrize(
    "bad", [None, "x", 3, [], {}, {"command": 3}, {"command": "a", "args": "x"}, {"url": 3}, {"command": ""}]
)
def test_a_bad_entry_is_one_problem_and_its_siblings_survive(bad: object) -> None:
    found = read("servers", {"mcpServers": {"before": {"command": "a"}, "b/a~d": bad, "after": {"url": "u"}}})
    assert [server.name for server in found.servers] == ["before", "after"]
    (problem,) = found.problems
    assert problem.place.pointer == "/mcpServers/b~1a~0d"


def test_an_entry_is_switched_off_by_what_its_client_goes_by_and_by_nothing_else() -> None:
    switches = {"disabled": True, "enabled": False, "isActive": False, "active": False, "state": "disabled"}
    for key in switches:
        origin = replace(ORIGIN, off=(key,))
        for other, says in switches.items():
            value = {"mcpServers": {"x": {"command": "a", other: says}}}
            (server,) = read_shape("servers", value, "/mcpServers", origin).servers
            assert server.disabled == (other == key)


def test_the_state_of_claude_code_has_servers_of_the_user_and_of_each_project() -> None:
    one = {"s": {"command": "a"}}
    found = read(
        "claude_state", {"mcpServers": one, "projects": {"/p/q": {"mcpServers": one}, "/r": None, "/t": {}}}, ""
    )
    assert [(server.scope, server.project, server.place.pointer) for server in found.servers] == [
        ("user", None, "/mcpServers/s"),
        ("local", "/p/q", "/projects/~1p~1q/mcpServers/s"),
    ]


def test_settings_of_vs_code_hold_servers_nested_and_under_the_dotted_key() -> None:
    value = {"mcp": {"servers": {"a": {"command": "a"}}}, "mcp.servers": {"b": {"command": "b"}}, "editor.x": 1}
    assert [server.name for server in read("vscode_settings", value, "").servers] == ["a", "b"]


@pytest.mark.parametrize("wrap", ["mcpServers", "servers", "mcp_servers", None])
def test_a_wrapped_or_bare_map_is_read(wrap: str | None) -> None:
    bare = {"s": {"command": "a"}}
    assert len(read("wrapped", {wrap: bare} if wrap else bare, "").servers) == 1
    assert read("wrapped", {"inputs": [], "version": 1}, "") == Servers()


def test_a_file_without_the_place_of_servers_has_none_and_no_problem() -> None:
    assert read("servers", {"theme": "dark"}) == Servers()
    assert read("claude_state", {}, "") == Servers()
    assert read("claude_servers", {}).problems[0].code == "no-servers"
    assert read("servers", None) == Servers()
    assert read("servers", []).problems[0].code == "invalid-file"


def test_a_map_of_too_many_entries_is_read_in_part_and_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "MAX_ENTRIES", 3)
    monkeypatch.setattr(maps, "MAX_ENTRIES", 3)
    many = {f"s{number}": {"command": "a"} for number in range(5)}
    for shape in ("servers", "claude_servers"):
        found = read(shape, {"mcpServers": many})
        assert len(found.servers) == 3
        assert [problem.code for problem in found.problems] == ["too-many-servers"]


@pytest.mark.parametrize(
    ("form", "raw", "line"),
    [
        ("json", b"{\n// no\n}", 2),
        ("json", b"[1,\n2,\n]", 3),
        ("jsonc", b"{", 1),
        ("toml", b"a = 1\nb = = 2", 2),
        ("toml", b"a = 1\na = 2", None),
        ("json", b"[" * 100_000, None),
        ("toml", b"a = " + b"[" * 100_000, None),
        ("toml", b"a = 1" + b"0" * 10_000, None),
        ("json", b"1" + b"0" * 10_000 + b"x", None),
        ("toml", b"#" * (2 * 1024 * 1024), None),
        ("toml", b"a = 1\n" + b"b." * 10_001 + b"c = 1", 2),
    ],
)
def test_what_is_not_of_the_format_is_malformed_with_a_line_if_there_is_one(
    form: Format, raw: bytes, line: int | None
) -> None:
    found = parse_as(raw, form)
    assert isinstance(found, Malformed)
    assert line is None or found.line == line


def test_dots_in_a_comment_cost_nothing() -> None:
    found = parse_as(b" # " + b"." * 10_001 + b"\na = 1", "toml")
    assert isinstance(found, Parsed)
    assert found.value == {"a": 1}


@pytest.mark.parametrize("form", FORMATS)
def test_an_empty_file_and_a_byte_order_mark_are_read(form: Format) -> None:
    assert parse_as(b" \n", form) == Parsed(None, " \n", form)
    found = parse_as(b"\xef\xbb\xbf" + CONTENTS.get(form, b'{"a": "1"}'), form)
    if form not in ("xml", "shell", "text"):
        assert isinstance(found, Parsed)
        assert found.value == {"a": "1"}


LINES: list[tuple[Format, Shape, str, str]] = [
    ("json", "servers", "/mcpServers", '{"mcpServers": {\n "ok": {"command": "a"},\n "s": {}}}'),
    ("jsonc", "servers", "/mcpServers", '{"mcpServers": { // x\n "ok": {"command": "a"},\n "s": {},}}'),
    ("json5", "servers", "/mcpServers", "{mcpServers: { /* x */\n ok: {command: 'a'},\n s: {}}}"),
    ("toml", "servers", "/mcpServers", '[mcpServers.ok]\ncommand = "a"\n[mcpServers."s"]\nx = 1\n'),
    ("toml", "list", "/plugins", '[[plugins]]\ncommand = "a"\n[[plugins]]\nx = 1\n'),
    ("yaml", "servers", "/mcpServers", "mcpServers:\n  ok: {command: a}\n  s: {}\n"),
    ("yaml", "list", "/mcpServers", "mcpServers:\n- command: a\n- x: 1\n"),
    ("front-matter", "servers", "/mcpServers", "---\nmcpServers:\n  s: {x: 1}\n---\ntext\n"),
    ("shell", "crush", "", "# x\n\nmcp add s --type stdio\n"),
]


@pytest.mark.parametrize(("form", "shape", "pointer", "text"), LINES)
def test_a_problem_gets_the_line_of_its_entry(form: Format, shape: Shape, pointer: str, text: str) -> None:
    parsed = parse_as(text.encode(), form)
    assert isinstance(parsed, Parsed)
    (problem,) = located(read_shape(shape, parsed.value, pointer, ORIGIN).problems, parsed)
    assert problem.place.line == 3


def test_no_error_quotes_the_text() -> None:
    for form in FORMATS:
        found = parse_as(BROKEN.get(form, b'token = "canary'), form)
        assert isinstance(found, Malformed) or form in ("properties", "shell", "text")
        assert "canary" not in getattr(found, "message", "")


@pytest.mark.parametrize("odd", ["\r", "\u2028", "\u2029"])
@pytest.mark.parametrize("form", ["jsonc", "json5"])
def test_a_comment_that_ends_for_some_clients_alone_hides_nothing(odd: str, form: Format) -> None:
    raw = f'{{"servers": {{ // {odd} "evil": {{"command": "x"}}\n }}}}'.encode()
    assert isinstance(parse_as(raw, form), Malformed)
    kept = f'{{"servers": {{}}, // two words\r\n "text": "{odd if odd != chr(13) else ""}"}}'.encode()
    assert isinstance(parse_as(kept, form), Parsed)

"""Formats that are not JSON: as their clients read them, and hostile files within bounds."""

import plistlib
from time import process_time

import pytest

from agent.catalog.formats import Malformed, Parsed, parse_as
from agent.catalog.rows import Format
from agent.catalog.xmltext import parse_xml


def value(text: str | bytes, form: Format) -> object:
    found = parse_as(text.encode() if isinstance(text, str) else text, form)
    assert isinstance(found, Parsed), found
    return found.value


def fault(text: str | bytes, form: Format) -> str:
    found = parse_as(text.encode() if isinstance(text, str) else text, form)
    assert isinstance(found, Malformed), found
    return found.message


def test_yaml_words_are_text_unless_they_are_true_false_or_null() -> None:
    text = "args: [on, 12:30, 0x10, 1.0, 2024-99-99, yes]\nenabled: false\nnothing: ~\nempty:\n"
    assert value(text, "yaml") == {
        "args": ["on", "12:30", "0x10", "1.0", "2024-99-99", "yes"],
        "enabled": False,
        "nothing": None,
        "empty": None,
    }


def test_a_bomb_of_yaml_aliases_costs_what_it_is_long() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    began = process_time()
    assert isinstance(value("\n".join(lines), "yaml"), dict)
    assert process_time() - began < 5  # expanded, it would take more than a lifetime


def test_a_bomb_of_yaml_merges_merges_nothing() -> None:
    lines = ["a0: &a0 {x: y}"] + [f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 60)]
    assert isinstance(value("\n".join(lines), "yaml"), dict)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 5000,
        "- " * 5000,
        "a: *unknown",
        "a: !!python/object/apply:os.system [id]",
        "a: 1\n---\nb: 2",
        "? [a]\n: b",
        "\x01",
        "a: &x [" + "*x," * 2000 + "]",
        "#" * (2 * 1024 * 1024),
    ],
)
def test_hostile_yaml_is_malformed(text: str) -> None:
    assert fault(text, "yaml")


def test_front_matter_is_what_stands_between_the_first_two_lines_of_dashes() -> None:
    assert value("---\nname: x\n---\nmcpServers: no\n---\n", "front-matter") == {"name": "x"}
    assert value("# Title\n---\nname: x\n---\n", "front-matter") is None


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
        "<a>" * 500,
        "<a>",
        "<a/>" * 2,
    ],
)
def test_hostile_xml_is_malformed(text: str) -> None:
    assert fault(text, "xml")


def test_xml_is_a_tree_of_elements() -> None:
    root = parse_xml('<a b="c">t<d/></a>')
    assert (root["tag"], root["attributes"], root["text"], len(root["children"])) == ("a", {"b": "c"}, "t", 1)


@pytest.mark.parametrize("form", [plistlib.FMT_XML, plistlib.FMT_BINARY])
def test_property_lists_of_both_kinds_are_read(form: plistlib.PlistFormat) -> None:
    held = {"a": ["x", True], "b": {"c": "d"}}
    assert value(plistlib.dumps(held, fmt=form), "plist") == held


@pytest.mark.parametrize(
    "raw", [b"bplist00", b"bplist00" + b"\xff" * 64, b"<plist><dict>", b"<!DOCTYPE plist [<!ENTITY a 'b'>]><plist/>"]
)
def test_hostile_property_lists_are_malformed(raw: bytes) -> None:
    assert fault(raw, "plist")


def test_json5_is_read_with_its_liberties() -> None:
    text = (
        "// c\n{ mcpServers: { 'a\\'b': { command: \"x\", n: 0x10, m: +.5, t: true, }, }, /* c */ 'http://x': '//no', }"
    )
    assert value(text, "json5") == {
        "mcpServers": {"a'b": {"command": "x", "n": 16, "m": 0.5, "t": True}},
        "http://x": "//no",
    }


def test_preferences_of_eclipse_are_unescaped() -> None:
    text = 'a=b\n# c\nmcp={"servers"\\:{"s"\\:{"url"\\:"http\\://x/?a\\=b"}}}\nlong=1\\\n   2\n'
    assert value(text, "properties") == {"a": "b", "mcp": '{"servers":{"s":{"url":"http://x/?a=b"}}}', "long": "12"}


def test_a_script_is_read_word_by_word_and_never_run() -> None:
    text = 'mcp add a --command "x y" \\\n --args $(touch /tmp/pwned)\necho "open\n# mcp add no\nmcp add b --url u\n'
    assert value(text, "shell") == {
        "1": ["mcp", "add", "a", "--command", "x y", "--args", "$(touch", "/tmp/pwned)"],
        "5": ["mcp", "add", "b", "--url", "u"],
    }

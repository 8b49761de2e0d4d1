import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.jsondeep import parse_cut
from agent.core.jsontext import MAX_DEPTH, Dialect, JsonError, decode, decode_utf8, line_of, parse, pointer

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("text", ["{,}", "[1,]", "// c\n{}", '{"a":1}\0', "NaN", '{"a": Infinity}', "", "{'a':1}"])
def test_strict_json_refuses_what_json_parse_refuses(text: str) -> None:
    with pytest.raises(JsonError):
        parse(text)


def test_the_last_of_two_equal_keys_counts() -> None:
    assert parse('{"a":1,"a":2}') == {"a": 2}


def test_jsonc_takes_comments_and_trailing_commas_but_leaves_strings_alone() -> None:
    text = '{ // one\n "a": [1, 2,], /* two */ "b": "http://x,}" ,\n}'
    assert parse(text, "jsonc") == {"a": [1, 2], "b": "http://x,}"}


def test_an_error_names_the_line_and_column_also_behind_a_comment() -> None:
    with pytest.raises(JsonError) as caught:
        parse('{\n // fine\n "a": nope\n}', "jsonc")
    assert (caught.value.line, caught.value.column) == (3, 7)


def test_byte_order_marks_and_bad_utf8_are_read_as_the_client_reads_them() -> None:
    assert decode(b'\xef\xbb\xbf{"a":1}') == '{"a":1}'
    assert decode('{"a":1}'.encode("utf-16")) == '{"a":1}'
    assert decode('{"a":1}'.encode("utf-16") + b"\0") == '{"a":1}'
    assert decode_utf8(b"\xef\xbb\xbf{}") == "{}"
    assert decode_utf8("{}".encode("utf-16")) != "{}"
    assert decode(b'"\xff"') == '"\ufffd"'


@pytest.mark.parametrize("depth", [MAX_DEPTH + 50, 100_000])
def test_what_is_nested_too_deeply_is_cut_and_the_rest_is_read(depth: int) -> None:
    text = '{"deep": ' + "[" * depth + "1" + "]" * depth + ', "list": [{"a": "\\u00e9"}, [], {}, true, -1.5e3, null]}'
    value = parse(text)
    assert value["list"] == [{"a": "é"}, [], {}, True, -1500, None]
    inner, levels = value["deep"], 0
    while inner:
        inner, levels = inner[0], levels + 1
    assert inner is None
    assert levels < MAX_DEPTH


@pytest.mark.parametrize("end", ["", "]" * 999, "]" * 1001, "]" * 1000 + "x", "]" * 999 + "}"])
def test_what_is_nested_too_deeply_must_be_json_to_its_end(end: str) -> None:
    with pytest.raises(JsonError):
        parse("[" * 1000 + end)


@given(JSON_VALUES)
def test_reading_without_recursion_gives_the_same(value: object) -> None:
    text = json.dumps(value)
    assert parse_cut(text, MAX_DEPTH) == parse(text)


def test_a_long_text_that_is_nested_too_deeply_is_an_error() -> None:
    with pytest.raises(JsonError, match="nested"):
        parse("[" * 600_000 + "]" * 600_000)


def test_a_number_of_many_digits_is_a_number() -> None:
    assert parse('{"a": ' + "9" * 5000 + "}")["a"] > 1e300


def test_a_pointer_escapes_tilde_and_slash() -> None:
    assert pointer("a/b", "~c", 3) == "/a~1b/~0c/3"


def test_the_line_of_a_value_is_found_through_comments_and_duplicate_keys() -> None:
    text = '{\n "a": {"x": 1},\n // "a": 2\n "a": [\n  {"b": 1},\n  {"b/c": 2}\n ]\n}'
    assert line_of(text, "/a") == 4
    assert line_of(text, "/a/1/b~1c") == 6
    assert line_of(text, "/a/2") is None


@given(JSON_VALUES)
def test_every_value_that_python_writes_is_read_back_in_both_dialects(value: object) -> None:
    text = json.dumps(value, indent=1)
    assert parse(text) == value
    assert parse(text, "jsonc") == value


@given(st.binary(max_size=80))
def test_any_bytes_give_a_value_or_a_json_error(raw: bytes) -> None:
    text = decode(raw)
    dialects: tuple[Dialect, ...] = ("strict", "jsonc")
    for dialect in dialects:
        try:
            parse(text, dialect)
        except JsonError:
            continue


@given(st.text(alphabet='{}[],:"ab\\/* \n', max_size=60), st.sampled_from(["", "/a", "/a/0", "/0/b"]))
def test_looking_for_a_line_never_raises(text: str, target: str) -> None:
    line_of(text, target)

import pytest

from agent.core.policy.expansion import Environment
from agent.core.policy.open_urls import honours
from agent.core.policy.urls import Form, compile_pattern, parse_url


def matches(pattern: str, url: str, *, lenient: bool = False) -> bool:
    return compile_pattern(pattern).matches(parse_url(url), lenient=lenient)


@pytest.mark.parametrize(
    ("pattern", "url"),
    [
        ("*", "not a url"),
        ("ht\ntps://*.h.example/x", "https://q.h.example/x"),
        ("*\t://h.example/x", "https://h.example/x"),
        ("https\t://h.example:*/*", "https://h.example:8443/x"),
        ("https://mcp.example.com", "https://mcp.example.com/any/path?x=1"),
        ("https://mcp.example.com/*", "https://user:pw@MCP.Example.com./mcp#f"),
        ("https://*.example.com/*", "https://a.b.example.com:8443/x"),
        ("https://*.example.com:443/*", "https://a.example.com:8443/x"),
        ("https://mcp.example.com*", "https://mcp.example.com.evil.com/x"),
        ("http://localhost:*/*", "http://localhost/x"),
        ("http://127.1:3000/*", "http://2130706433:3000/x"),
        ("https://bücher.example/*", "https://xn--bcher-kva.example/x"),
        ("https://h.example/mcp/..", "https://h.example/any"),
        ("https://h.example/#f", "https://h.example/any"),
        ("*://h.example/*", "wss://h.example/x"),
        ("file:///*", "file:///etc/x"),
        ("http://h.example:84*/*", "http://h.example:8443/x"),
        ("http://[*]:84/*", "http://[::1]:84/x"),
        ("https:/h.example/*", "https://h.example/x"),
        ("http*://*h.example:84*/*", "https://evilh.example:8443/"),
    ],
)
def test_a_pattern_matches_what_the_client_matches(pattern: str, url: str) -> None:
    assert matches(pattern, url)


@pytest.mark.parametrize(
    ("pattern", "url"),
    [
        ("mcp.example.com/*", "https://mcp.example.com/x"),
        ("http*://mcp.example.com/*", "https://mcp.example.com/x"),
        ("**", "https://mcp.example.com/x"),
        ("https://*.corp/*", "https://evil.com/.corp/"),
        ("https://mcp.example.com/*", "https://mcp.example.com:8443/x"),
        ("https://mcp.example.com/*", "https://mcp.example.com@evil.com/x"),
        ("https://h.example/mcp/*", "https://h.example/mcp"),
        ("https://h.example/", "https://h.example/x"),
        ("https://h.example/mcp", "https://h.example/%6dcp"),
        ("https://h.example/mcp", "https://h.example/MCP"),
        ("*://h.example:443/*", "https://h.example/x"),
        ("*://bücher.example/*", "https://bücher.example/x"),
        ("*://h.example?k=1", "https://h.example?k=1"),
        ("http://h.example:84*/*", "http://h.example:84/a/b"),
        ("http://h.example:84*", "http://h.example:84/"),
        ("https://localhost/*", "https://127.0.0.1/x"),
        ("https://h.example/*", "https://h.example:99999/x"),
        ("", "https://h.example/x"),
    ],
)
def test_a_pattern_misses_what_the_client_misses(pattern: str, url: str) -> None:
    assert not matches(pattern, url)


@pytest.mark.parametrize(
    ("pattern", "url"),
    [
        ("https://h.example/mcp", "https://h.example/mcp?x=1"),
        ("https://h.example/mcp", "https://h.example/mcp///?x=1"),
        ("https://h.example/mcp/", "https://h.example/mcp"),
        ("https://h.example/", "https://h.example//"),
        ("https://h.example/*a", "https://h.example/mcp/a/"),
        ("http://h.example:84*/x/", "http://h.example:84/x"),
        ("http://h.example:84*/x", "http://h.example:84/x/?k=1"),
    ],
)
def test_a_deny_entry_without_a_query_overlooks_queries_and_slashes_at_the_end(pattern: str, url: str) -> None:
    assert matches(pattern, url, lenient=True)
    assert not matches(pattern, url)


@pytest.mark.parametrize(
    ("pattern", "url"),
    [
        ("https://h.example/mcp?x=1", "https://h.example/mcp?x=2"),
        ("https://h.example/*/", "https://h.example/mcp"),
        ("http://h.example:8*4/x?k=1", "http://h.example:84/x"),
    ],
)
def test_a_deny_entry_with_a_query_or_a_star_before_the_slash_stays_exact(pattern: str, url: str) -> None:
    assert not matches(pattern, url, lenient=True)


def test_a_pattern_says_what_form_it_took() -> None:
    forms = {text: compile_pattern(text).form for text in ("*", "https://h/*", "https://h:8*/", "h/*")}
    assert list(forms.values()) == [Form.ANY, Form.PARTS, Form.RAW, Form.NEVER]


def test_lone_surrogates_and_control_characters_are_text_like_any_other() -> None:
    assert parse_url("https://h.example/\udcff") is not None
    assert compile_pattern("https://\udcff\x00*").form in Form


def test_many_stars_against_a_long_url_do_not_hang() -> None:
    assert not matches("https://h.example/" + "*a" * 200 + "b", "https://h.example/" + "a" * 20_000)


@pytest.mark.parametrize("label", ["xn--", "xn--a", "xn--0", "xn--a-ecp", "xn--ab-c"])
def test_a_punycode_label_that_stands_for_no_name_makes_the_url_unparseable(label: str) -> None:
    assert parse_url(f"https://{label}.example/x") is None
    assert parse_url(f"other://{label}.example/x") is not None


@pytest.mark.parametrize(
    "host", ["xn--bcher-kva.example", "XN--BCHER-KVA.example", "xn--n3h.example", "xn--ls8h.example"]
)
def test_a_punycode_label_that_stands_for_a_name_is_that_name(host: str) -> None:
    name = host.lower().removesuffix(".example")[4:].encode().decode("punycode")
    assert parse_url(f"https://{host}/x") == parse_url(f"https://{name}.example/x") is not None


@pytest.mark.parametrize(
    ("written", "values", "honoured"),
    [
        ("${NOPE:-*}", {}, False),
        ("*${NOPE:-}", {}, False),
        ("${NOPE:-https://h.example/*}", {}, True),
        ("https://h.example/${NOPE:-..}/*", {}, False),
        ("https://h.example/a/%2e%2E/${NOPE:-x}", {}, False),
        ("https://${NOPE:-h.example/..}/*", {}, False),
        ("https://h.example/${NOPE:-x}?/../y", {}, True),
        ("https://h.example/${V}#/../", {"V": "x"}, True),
        ("https://${V}:*/*", {"V": "h.example"}, True),
        ("https://${V}:*/*", {"V": "[::1]"}, True),
        ("https://${V}:*/*", {"V": "h.example:8443"}, False),
        ("https://${V}/*", {"V": "h.example:"}, True),
        ("https://h.example/../*", {}, True),
    ],
)
def test_an_allow_entry_with_a_reference_must_stay_what_it_is(
    written: str, values: dict[str, str], *, honoured: bool
) -> None:
    assert honours(written, Environment(values, complete=True)) is honoured

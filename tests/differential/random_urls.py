"""URLs and URL patterns from small alphabets, so that they often meet: plain ones, and every odd spelling that parsers know."""

from random import Random

_HOSTS = ["h.example", "a.h.example", "b.a.h.example", "evilh.example", "localhost", "127.0.0.1", "[::1]"]
_ODD_HOSTS = [
    *(
        "H.Example",
        "h.example.",
        "h.example..",
        "h%2Eexample",
        "h.example%2e",
        "\uff48.example",
        "h。example",
        "h.ex\u00adample",
    ),
    *(
        "127.1",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "127.0.0.1.",
        "[0:0::1]",
        "[::ffff:127.0.0.1]",
        "[::1%25lo]",
    ),
    *(
        "bücher.example",
        "xn--bcher-kva.example",
        "BÜCHER.example",
        "faß.example",
        "xn--.example",
        "a_b.h.example",
        "-a.h.example",
    ),
    *(
        "u@h.example",
        "u:p@h.example",
        "u@evil.example@h.example",
        "h.example\\@evilh.example",
        "h.example%00",
        "h example",
        "",
        ".",
    ),
]
_PATTERN_HOSTS = ["*.h.example", "*h.example", "h.*", "*", "a.*.example", "h.example*", "*.example", "**.h.example"]
_ODD_PATTERN_HOSTS = [
    "*.H.Example",
    "*.h.example.",
    "*.bücher.example",
    "*.xn--bcher-kva.example",
    "127.*",
    "[*]",
    "[::*]",
    "*.*",
    "u@*",
]
_PORTS = ["", "", "", "", ":443", ":80", ":8443"]
_ODD_PORTS = [":0443", ":", ":0", ":65535", ":65536", ":00080", ":8443x", ": 8443", ":-1"]
_PATTERN_PORTS = [":*", ":*", ":84*", ":8*3", ":**", ":*443"]
_PATHS = ["", "/", "/mcp", "/mcp/", "/mcp/a", "/MCP", "/mcp?x=1", "/mcp/?x=1"]
_ODD_PATHS = [
    *(
        "/%6dcp",
        "/a/../mcp",
        "/./mcp",
        "//mcp",
        "/mcp#f",
        "/mcp//",
        "/mcp%2Fa",
        "/mcp%2fa",
        "/%2e%2e/mcp",
        "/mcp/.",
        "/mcp;v=1",
    ),
    *(
        "\\mcp",
        "/mcp\\a",
        "/é",
        "/%C3%A9",
        "/%c3%a9",
        "/e\u0301",
        "/mcp?",
        "/mcp?x=1&y=2",
        "?x=1",
        "#f",
        "/mcp?x=é",
        "/a b",
    ),
    *(
        "/\tmcp",
        "/mcp\n",
        "/mcp ",
        "/mcp?x=%31",
        "/mcp?x='",
        "/mcp|",
        "/mcp^",
        "/mcp{}",
        "/mcp?x=1#f",
        "/mcp?x=1?",
        "/mcp?x=/a",
    ),
]
_PATTERN_PATHS = ["/*", "/*", "/*", "/mcp/*", "/mcp*", "/*a", "/mcp?x=*", "/mcp?*", "/**"]
_ODD_PATTERN_PATHS = [
    "/mcp/..",
    "/#f",
    "?x=1",
    "/*/a",
    "*",
    "?*",
    "/*?x=1",
    "/mcp/*?*",
    "#*",
    "/%6d*",
    "/*/",
    "/mcp/../*",
    "/é*",
    "\\*",
    "/a/*/../mcp",
]
_SCHEMES = ["https", "https", "https", "https", "http", "wss", "ws"]
_ODD_SCHEMES = ["HTTPS", "hTTp", "ftp", "file", "foo", " https", "https\t", "\nhttps"]
_PATTERN_SCHEMES = ["*", "*", "http*", "", "*s", "**", "http?"]
_SEPARATORS = ["://"] * 20 + [":/", ":", ":///", ":\\\\", "//"]
_ODDITY = 0.15


def url(chance: Random, *, odd: float = _ODDITY) -> str:
    """Return the URL of a server."""
    return _glued(
        chance,
        _word(chance, _SCHEMES, _ODD_SCHEMES, odd / 3),
        _word(chance, [*_HOSTS, "${H}"], [*_ODD_HOSTS, "${H}.", "x${NOPE:-.h.example}"], odd),
        _word(chance, _PORTS, [*_ODD_PORTS, ":${P}"], odd),
        _word(chance, _PATHS, [*_ODD_PATHS, "/${A}", "/${NOPE}", "/${NOPE:-mcp}", "/${B:-${A}}"], odd),
    )


def pattern(chance: Random, *, odd: float = _ODDITY) -> str:
    """Return a `serverUrl`."""
    if chance.random() < odd / 3:
        return chance.choice(
            [
                "*",
                "*",
                "**",
                "",
                " *",
                "* ",
                "*://*",
                "*://*/*",
                "https://*",
                "h.example",
                "*h.example*",
                "${W}",
                "${NOPE:-*}",
            ]
        )
    return _glued(
        chance,
        _word(chance, [*_SCHEMES, "*"], [*_ODD_SCHEMES, *_PATTERN_SCHEMES, "${S}"], odd),
        _word(
            chance,
            [*_HOSTS, *_PATTERN_HOSTS, "${H}", "*.${H}"],
            [*_ODD_HOSTS, *_ODD_PATTERN_HOSTS, "${H}.", "a.${H}"],
            odd,
        ),
        _word(chance, _PORTS, [*_ODD_PORTS, *_PATTERN_PORTS, ":${P}", ":${P}3"], odd * 1.5),
        _word(
            chance,
            [*_PATHS, *_PATTERN_PATHS],
            [*_ODD_PATHS, *_ODD_PATTERN_PATHS, "/${A}", "/${A}/*", "/${D}/*", "${A}"],
            odd,
        ),
    )


def _word(chance: Random, plain: list[str], odd: list[str], odds: float) -> str:
    return chance.choice(odd if chance.random() < odds else plain)


def _glued(chance: Random, scheme: str, host: str, port: str, path: str) -> str:
    return f"{scheme}{chance.choice(_SEPARATORS) if scheme else ''}{host}{port}{path}"

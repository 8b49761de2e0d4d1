"""The traps of URL patterns, one row or function each: patterns that never match, that match more, or that a change evades.

Every trap was seen with the real client. Where the pattern that was meant can be written, the flaw holds it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from agent.core.policy.expansion import has_reference
from agent.core.policy.flaw import BROAD, EVADABLE, INERT, Flaw
from agent.core.policy.rules import UrlRule
from agent.core.policy.urls import Form, UrlPattern, parse_url

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_SHARED = frozenset(
    {
        "amazonaws.com",
        "azurewebsites.net",
        "cloudfront.net",
        "firebaseapp.com",
        "fly.dev",
        "github.io",
        "herokuapp.com",
        "netlify.app",
        "ngrok-free.app",
        "ngrok.io",
        "onrender.com",
        "pages.dev",
        "run.app",
        "trycloudflare.com",
        "vercel.app",
        "web.app",
        "workers.dev",
    }
)


def inert_flaws(rule: UrlRule, *, deny: bool) -> Iterator[Flaw]:
    """Yield why a URL entry cannot match, or not what it was written for."""
    pattern = rule.pattern
    if has_reference(rule.url):
        return
    if pattern.form is Form.NEVER:
        text = "The pattern has no scheme that counts, so it matches nothing: the scheme is `*` alone or written out."
        yield Flaw(INERT, "no-scheme", text, "Put the scheme in front.", _corrected_scheme(rule.url, deny=deny))
    elif pattern.form is Form.RAW:
        text = "No URL parser takes this pattern: it is compared as raw text, where `*` stops at each slash."
        yield Flaw(INERT if deny else BROAD, "raw-text", text, "Write the port out, or `:*` for any port.")
    elif pattern.form is Form.PARTS and pattern.scheme is None:
        yield from _inert_wild_scheme(rule.url, pattern)


def _inert_wild_scheme(text: str, pattern: UrlPattern) -> Iterator[Flaw]:
    """Yield what a `*` scheme breaks: the parser then changes nothing in host and port, while the server's are made canonical."""
    host = _host(pattern)
    plain = parse_url(f"http://{host}/") if pattern.host.literal else parse_url(f"http://{host.replace('*', 'x')}/")
    if plain is not None and pattern.host.literal and plain.bare_host != host:
        says = f"With a `*` scheme the host is not made canonical: the server's is {plain.bare_host}, and never equals {host}."
        yield Flaw(INERT, "host-not-canonical", says, "Write the canonical host.", _url(f"*://{plain.bare_host}:*/*"))
    elif not host.isascii() or "%" in host:
        says = "With a `*` scheme the host is not turned into punycode, as the server's is: they are never equal."
        yield Flaw(INERT, "host-not-canonical", says, "Write the host in punycode (xn--…).")
    if pattern.port in ("80", "443"):
        says = f"A server's default port is dropped, so this never matches the scheme whose own port {pattern.port} is."
        yield Flaw(INERT, "default-port", says, "Write `:*` for any port, or the scheme.", _url(f"*://{host}:*/*"))
    if pattern.path is not None and pattern.path.pieces[0].startswith("?"):
        says = "With a `*` scheme a query needs a path before it: the server's path is never empty."
        yield Flaw(INERT, "query-without-path", says, "Put a slash before the query.", _url(text.replace("?", "/?", 1)))


def _corrected_scheme(text: str, *, deny: bool) -> dict[str, Any] | None:
    rest = text.partition("://")[2] or text.removeprefix("//").removeprefix("://").lstrip("*").lstrip(".")
    if not rest or parse_url(f"https://{rest.replace('*', 'x')}") is None:
        return None
    host, slash, path = rest.partition("/")
    stars = "*." if text.startswith("*.") else ""
    if not deny:
        return _url(f"https://{stars}{host}{slash}{path}")
    return _url(f"*://{stars}{host}{'' if ':' in host else ':*'}{slash or '/'}{path or '*'}")


@dataclass(frozen=True, slots=True)
class _Row:
    """One trap of a pattern in parts: when it is there, what it does, and the pattern that was meant, if one can be written."""

    control: str
    code: str
    there: Callable[[UrlPattern], bool]
    text: str
    remedy: str
    correct: Callable[[UrlPattern], str | None] = lambda _: None


def broad_flaws(rule: UrlRule) -> Iterator[Flaw]:
    """Yield how an allow pattern admits more than it seems to."""
    return _rows(rule, _BROAD)


def narrow_flaws(rule: UrlRule) -> Iterator[Flaw]:
    """Yield what evades a deny pattern."""
    return _rows(rule, _NARROW)


def _rows(rule: UrlRule, rows: tuple[_Row, ...]) -> Iterator[Flaw]:
    pattern = rule.pattern
    if has_reference(rule.url):
        return
    for row in rows:
        if row.there(pattern):
            corrected = row.correct(pattern)
            yield Flaw(row.control, row.code, row.text, row.remedy, None if corrected is None else _url(corrected))


def _parts(test: Callable[[UrlPattern], bool]) -> Callable[[UrlPattern], bool]:
    return lambda pattern: pattern.form is Form.PARTS and test(pattern)


def _host(pattern: UrlPattern) -> str:
    return "*".join(pattern.host.pieces)


def _ends_open(pattern: UrlPattern) -> bool:
    return len(pattern.host.pieces) > 1 and not pattern.host.pieces[-1] and _host(pattern).strip("*") != ""


def _begins_open(pattern: UrlPattern) -> bool:
    tail = pattern.host.pieces[-1]
    return len(pattern.host.pieces) > 1 and bool(tail) and not tail.startswith(".")


def _shared(pattern: UrlPattern) -> bool:
    """Say whether the star covers hosts of several owners: everything, a top-level domain, a hosting platform."""
    if pattern.host.literal or _ends_open(pattern):
        return False
    tail = pattern.host.pieces[-1].lstrip(".")
    return "." not in tail or tail in _SHARED


def _closed_end(pattern: UrlPattern) -> str | None:
    return f"{pattern.scheme or '*'}://{_host(pattern).rstrip('*')}/*"


def _dotted(pattern: UrlPattern) -> str | None:
    return pattern.text.replace("*" + pattern.host.pieces[-1], "*." + pattern.host.pieces[-1], 1)


def _path_text(pattern: UrlPattern) -> str:
    rest = pattern.text.partition("://")[2]
    cut = min((at for at in map(rest.find, "/\\?#") if at >= 0), default=len(rest))
    return rest[cut:]


def _resolves_to_root(pattern: UrlPattern) -> bool:
    return pattern.path is None and _path_text(pattern) not in ("", "?")


def _resolves(pattern: UrlPattern) -> bool:
    text = _path_text(pattern).lower().replace("%2e", ".").replace("\\", "/")
    return pattern.path is not None and any(part in (".", "..") for part in text.partition("?")[0].split("/"))


def _url(text: str) -> dict[str, Any]:
    return {"serverUrl": text}


def _any_origin(pattern: UrlPattern) -> str:
    return f"*://{_host(pattern)}:*/*"


_BROAD = (
    _Row(
        BROAD,
        "everything",
        lambda pattern: pattern.form is Form.ANY,
        "The pattern admits every remote server.",
        "Name the hosts that are meant.",
    ),
    _Row(
        BROAD,
        "any-scheme",
        _parts(lambda pattern: pattern.scheme is None),
        "Any scheme is admitted, unencrypted http and ws too.",
        "Write https.",
        lambda pattern: "https" + pattern.text.partition("*")[2],
    ),
    _Row(
        BROAD,
        "clear-text",
        _parts(lambda pattern: pattern.scheme in ("http", "ws") and _host(pattern) not in _LOOPBACK),
        "Servers without encryption are admitted: whoever is on the way can answer in their place.",
        "Write https, or wss.",
        lambda pattern: pattern.text.replace("://", "s://", 1),
    ),
    _Row(
        BROAD,
        "look-alike-host",
        _parts(_ends_open),
        "The star ends the host's name, not the path's: https://mcp.example.com* also matches https://mcp.example.com.evil.com/.",
        "Put a slash before the star.",
        _closed_end,
    ),
    _Row(
        BROAD,
        "look-alike-host",
        _parts(_begins_open),
        "The star stands for any text, also without a dot: *example.com also matches evilexample.com.",
        "Put a dot after the star.",
        _dotted,
    ),
    _Row(
        BROAD,
        "shared-suffix",
        _parts(_shared),
        "The star covers hosts that many owners can register.",
        "Write the host out.",
    ),
    _Row(
        BROAD,
        "any-port",
        _parts(lambda pattern: not pattern.host.literal and pattern.port is None and not _ends_open(pattern)),
        "With a wildcard host and no port (or the scheme's own), any port of those hosts is admitted.",
        "Write the hosts out: then the default port alone counts.",
    ),
    _Row(
        BROAD,
        "path-resolves-to-root",
        _parts(_resolves_to_root),
        "The path resolves to the root, and the whole host is admitted: `..` and a fragment do not narrow anything.",
        "Write the path as the server's URL has it.",
    ),
    _Row(
        BROAD,
        "path-resolves",
        _parts(_resolves),
        "Dot segments are resolved before anything is compared, so the path is another one than it seems.",
        "Write the path without dot segments.",
    ),
    _Row(
        BROAD,
        "ignored-user",
        _parts(lambda pattern: "@" in pattern.text.partition("://")[2].partition("/")[0]),
        "User and password in a pattern are ignored, and the managed file is readable for everyone.",
        "Take them out.",
    ),
)

_NARROW = (
    _Row(
        EVADABLE,
        "one-origin",
        _parts(lambda pattern: pattern.scheme is not None or pattern.port is not None),
        "Only this scheme and port are denied: the same host passes by another.",
        "Deny any scheme and any port of the host.",
        _any_origin,
    ),
    _Row(
        EVADABLE,
        "denied-path",
        _parts(lambda pattern: pattern.path is not None and pattern.path.pieces != ("/", "")),
        "Paths are compared as they are written: a percent-encoded letter (/%6dcp for /mcp) evades the entry.",
        "Deny the whole host.",
        _any_origin,
    ),
    _Row(
        EVADABLE,
        "exact-query",
        _parts(lambda pattern: pattern.query),
        "With a query in the pattern, any other query evades it.",
        "Leave the query out: then every query is denied.",
        lambda pattern: pattern.text.partition("?")[0],
    ),
)

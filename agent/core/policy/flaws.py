"""What one entry of a policy does that its author did not mean: the traps of the matching rules, one row or function each.

A flaw says what happens and how the entry should read. Every trap was seen with the real client: patterns that never match, hosts
that look alike, ports and paths that are wider than they look, denials that a small change evades.
"""

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from typing import Any

from agent.core.policy.expansion import has_reference, references
from agent.core.policy.rules import CommandRule, NameRule, Rule, UrlRule
from agent.core.policy.urls import Form, UrlPattern, parse_url

BROAD, INERT, EVADABLE, ENVIRONMENT, NAMES = (
    "policy.broad-pattern",
    "policy.inert-entry",
    "policy.evadable-denial",
    "policy.environment-dependent",
    "policy.name-only",
)
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


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing wrong with an entry: the control it fails, the trap, what it does, the remedy, and the entry corrected."""

    control: str
    code: str
    text: str
    remedy: str
    corrected: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Demotion:
    """Which kinds of server an allow list still asks for a name."""

    local: bool
    remote: bool


def allow_flaws(rule: Rule, names: Demotion, pinned: Container[str] = ()) -> Iterator[Flaw]:
    """Yield what is wrong with an allow entry; `pinned` are the variables that managed settings set."""
    if isinstance(rule, NameRule):
        yield _allowed_name(names)
    elif isinstance(rule, CommandRule):
        yield from _command_flaws(rule)
    else:
        yield from _inert_url(rule, deny=False)
        yield from _rows(rule, _BROAD)
    yield from _variables(rule, pinned, "its user chooses what it admits")


def deny_flaws(rule: Rule, pinned: Container[str] = ()) -> Iterator[Flaw]:
    """Yield what is wrong with a deny entry; `pinned` are the variables that managed settings set."""
    if isinstance(rule, NameRule):
        text = "A name is a label: whoever renames the server evades the entry."
        yield Flaw(EVADABLE, "denied-name", text, "Deny the command or the URL, or rely on an allowlist.")
    elif isinstance(rule, CommandRule):
        inert = list(_command_flaws(rule))
        yield from inert
        if not inert:
            text = (
                "The command is compared word by word: one more argument, a path or a shell before it evades the entry."
            )
            yield Flaw(EVADABLE, "changed-argument", text, "Rely on an allowlist; a denied command is a reminder only.")
    else:
        inert = list(_inert_url(rule, deny=True))
        yield from inert
        if not inert:
            yield from _rows(rule, _NARROW)
    yield from _variables(rule, pinned, "its user chooses whether it matches")


def mended(item: object) -> dict[str, Any] | None:
    """Return the entry that an invalid one was probably meant to be: its strongest key, a command split into words."""
    if isinstance(item, str):
        return {"serverUrl": item} if "://" in item else None
    entry: dict[str, Any] = item if isinstance(item, dict) else {}
    for key in ("serverCommand", "serverUrl", "serverName"):
        value = entry.get(key)
        if key == "serverCommand" and isinstance(value, str) and value.split():
            return {key: value.split()}
        if key == "serverUrl" and isinstance(value, list) and len(value) == 1:
            value = value[0]
        words = isinstance(value, list) and value and all(isinstance(word, str) for word in value)
        if words if key == "serverCommand" else isinstance(value, str) and value:
            return {key: value}
    return None


def _allowed_name(names: Demotion) -> Flaw:
    kinds = " and ".join(kind for kind, counts in (("local", names.local), ("remote", names.remote)) if counts)
    if not kinds:
        text = "Names do not count in this list: it holds serverCommand and serverUrl entries, which demote them."
        return Flaw(INERT, "name-demoted", text, "Remove the entry, or write the command or URL that it stands for.")
    text = f"Any {kinds} server that its user gives this name is allowed, whatever it runs."
    return Flaw(NAMES, "name-decides", text, "Replace it by the exact serverCommand or the narrowest serverUrl.")


def _command_flaws(rule: CommandRule) -> Iterator[Flaw]:
    words = rule.command
    if (
        len(words) == 1
        and len(words[0].split()) > 1
        and not words[0].startswith(("/", "\\"))
        and ":" not in words[0][:3]
    ):
        corrected = {"serverCommand": words[0].split()}
        text = "The whole command line stands in one word, so only a program of exactly this name matches."
        yield Flaw(INERT, "one-word", text, "Write the command and each argument as words of their own.", corrected)
    if any("*" in word for word in words):
        text = "A star in a command stands for itself: it is no wildcard, so only a literal star matches."
        yield Flaw(INERT, "no-wildcards", text, "Write every argument out, one entry for each command that is meant.")
    plain = [word for word in words if not has_reference(word) and (word.startswith(("~/", "$")) or _percent(word))]
    if plain:
        text = f"{plain[0]!r} is taken as it is written: only ${{NAME}} and ${{NAME:-default}} are expanded."
        yield Flaw(INERT, "not-expanded", text, "Write the absolute path.")


def _percent(word: str) -> bool:
    return word.startswith("%") and word.count("%") > 1


def _variables(rule: Rule, pinned: Container[str], why: str) -> Iterator[Flaw]:
    texts = rule.command if isinstance(rule, CommandRule) else (rule.url,) if isinstance(rule, UrlRule) else ()
    names = list(dict.fromkeys(name for text in texts for name in references(text) if name not in pinned))
    if names:
        text = f"The entry depends on {', '.join(names)} in the client's environment: {why}."
        yield Flaw(ENVIRONMENT, "variable", text, "Write the value itself, or set the variable in the managed env.")


def _inert_url(rule: UrlRule, *, deny: bool) -> Iterator[Flaw]:
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

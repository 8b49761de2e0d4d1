"""URL patterns and variables: which values an allow entry honours, and what can be said while a value is not known.

Observed with Claude Code 2.1.330. A value from the environment must stay inside the part of an allow entry's URL in which it
stands: no star; in the host a host, with a port if it is the whole authority; in the port digits; in the path neither query nor
fragment. Otherwise the entry is inert, and so is one that no URL parser takes, and one whose scheme is not set off by what is
written. A default is the entry's own text and may hold anything, but for what no entry with a reference may come to: a dot
segment in the path, or "*" as a whole. Deny entries take any value.
"""

import re
from dataclasses import replace

from agent.core.policy.expansion import Environment, Open, Ternary, Text, Unknown, expand, spans
from agent.core.policy.globs import Glob
from agent.core.policy.urls import Address, Form, UrlPattern, compile_pattern, parse_url

_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*):")
_ORIGIN = re.compile(r"[A-Za-z*][A-Za-z0-9+.\-]*:[/\\]{2}[^/\\?#]+[/\\?#]")
_TEMPLATE = re.compile(
    r"(?P<scheme>[A-Za-z*][A-Za-z0-9+.\-*]*):[/\\]+(?P<authority>[^/\\?#]*)(?P<path>[^?#]*)(?P<query>\?[^#]*)?(?P<fragment>#.*)?",
    re.DOTALL,
)
_VALUES = {
    "scheme": re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*"),
    "user": re.compile(r"[^/\\?#@*]*"),
    "host": re.compile(r"[^*/\\?#@:\[\]\s]*"),
    "origin": re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^*/\\?#@:\[\]\s]+)(?::[0-9]*)?|"),
    "hostname": re.compile(r"\[[0-9A-Fa-f:.]+\]|[^*/\\?#@:\[\]\s]*"),
    "port": re.compile(r"[0-9]+"),
    "path": re.compile(r"[^*?#]*"),
    "query": re.compile(r"[^*#]*"),
    "fragment": re.compile(r"[^*]*"),
}
_DOTS = frozenset({".", ".."})
_WHOLE = Glob.of("/*")


def honours(written: str, environment: Environment) -> bool:
    """Say whether an allow entry stays in force with the values that the environment gives its references."""
    found = [(start, end, environment.lookup(name)) for start, end, name in spans(written)]
    if found and not _stays_in_place(expand(written, environment)):
        return False
    given = [(start, end, value) for start, end, value in found if isinstance(value, str)]
    if not given:
        return True
    parts = _TEMPLATE.fullmatch(_masked(written, [(start, end) for start, end, _ in found]))
    if parts is None:
        return False
    neutral = written
    for start, end, value in reversed(given):
        part = _part(parts, start, end)
        if not _VALUES[part].fullmatch(value):
            return False
        neutral = neutral[:start] + ("1" if part == "port" else "x") + neutral[end:]
    real, other = expand(written, environment), expand(neutral, environment)
    if isinstance(real, Open) or isinstance(other, Open):
        return True
    return compile_pattern(other).form is Form.PARTS and _shape(compile_pattern(other)) == _shape(compile_pattern(real))


def _stays_in_place(text: Text) -> bool:
    """Say whether an expanded entry is neither "*" as a whole nor holds a dot segment in its path."""
    if isinstance(text, Open):
        return True
    parts = _TEMPLATE.fullmatch(text)
    return text != "*" and (parts is None or not _has_dots(parts["path"]))


def _has_dots(path: str) -> bool:
    """Say whether a path has a segment that is resolved away."""
    return not _DOTS.isdisjoint(re.split(r"[/\\]", path.lower().replace("%2e", ".")))


def _masked(written: str, places: list[tuple[int, int]]) -> str:
    """Return the entry with every reference as letters of the same length, so that positions stay."""
    for start, end in places:
        written = written[:start] + "x" * (end - start) + written[end:]
    return written


def _part(parts: "re.Match[str]", start: int, end: int) -> str:
    """Return the part of the URL in which a reference stands."""
    name = next(key for key in parts.groupdict() if parts.start(key) <= start < parts.end(key))
    if name != "authority":
        return name
    authority, at = parts["authority"], start - parts.start("authority")
    until = at + end - start
    user = authority.rfind("@")
    if at < user:
        return "user"
    colon = authority.rfind(":")
    if colon > max(user, authority.rfind("]")) and at > colon:
        return "port"
    if at != user + 1:
        return "host"
    return "origin" if until == len(authority) else ("hostname" if authority[until] == ":" else "host")


def _shape(pattern: UrlPattern) -> tuple[object, ...]:
    path = None if pattern.path is None else len(pattern.path.pieces)
    return (pattern.form, pattern.scheme is None, len(pattern.host.pieces), path, pattern.query)


def open_server(pattern: UrlPattern, url: Open) -> Ternary:
    """Compare a pattern with a server's URL of which a part is unknown."""
    if pattern.form is Form.ANY:
        return True
    if pattern.form is Form.NEVER:
        return False
    scheme = _SCHEME.match(url.prefix)
    if scheme and pattern.scheme is not None and pattern.scheme != scheme["scheme"].lower():
        return False
    origin = parse_url(url.prefix) if _ORIGIN.match(url.prefix) else None
    if origin is not None and pattern.form is Form.PARTS:
        if not pattern.matches_origin(origin):
            return False
        if pattern.path is None or pattern.path == _WHOLE:
            return True
    return Unknown(url.variables)


def open_rule(text: Open, address: Address | None) -> Ternary:
    """Compare a pattern of which a part is unknown with a server's URL."""
    unknown = Unknown(text.variables)
    if address is None:
        return unknown
    scheme = _SCHEME.match(text.prefix)
    if scheme and scheme["scheme"].lower() != address.scheme:
        return False
    if _ORIGIN.match(text.prefix):
        pattern = compile_pattern(text.prefix)
        if pattern.form is Form.PARTS and not replace(pattern, path=None).matches_origin(address):
            return False
    return unknown

"""URL patterns and variables: which values an allow entry honours, and what can be said while a value is not known.

A value in an allow entry's URL must stay inside the part that it stands in: no star, nothing that ends the host or begins another
part. An entry whose scheme, host or path scope a value changes is inert. Deny entries take any value.
"""

import re
from dataclasses import replace

from agent.core.policy.expansion import Open, Ternary, Unknown
from agent.core.policy.globs import Glob
from agent.core.policy.urls import Address, Form, UrlPattern, compile_pattern, parse_url

_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*):")
_ORIGIN = re.compile(r"[A-Za-z*][A-Za-z0-9+.\-]*:[/\\]{2}[^/\\?#]+[/\\?#]")
_NOT_PLAIN = re.compile(r"[*/\\?#@:\[\]\s\x00-\x20]")
_REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*(?::-[^}]*)?\}")
_DOTS = frozenset({".", ".."})
_WHOLE = Glob.of("/*")


def plain(value: str) -> bool:
    """Say whether a variable's value stays inside the part of the URL it stands in, and adds no star."""
    return not _NOT_PLAIN.search(value) and value.lower().replace("%2e", ".") not in _DOTS


def same_structure(written: str, pattern: UrlPattern) -> bool:
    """Say whether `pattern` has the scheme, host and path scope that the entry has with a neutral value in place of variables."""
    for neutral in ("x", "1"):
        other = compile_pattern(_REFERENCE.sub(neutral, written))
        if other.form is not Form.PARTS:
            continue
        return _shape(other) == _shape(pattern)
    return not _REFERENCE.fullmatch(written)


def _shape(pattern: UrlPattern) -> tuple[object, ...]:
    path = None if pattern.path is None else (len(pattern.path.pieces), "".join(pattern.path.pieces).count("/"))
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

"""The URL pattern language of `serverUrl` entries, as Claude Code 2.1.330 matches it (observed; documentation says less).

A pattern is one of

    any      := "*"                                                        every URL, also one that cannot be parsed
    parts    := scheme ":" slashes [userinfo "@"] host [":" port] [path] ["?" query] ["#" fragment]
    scheme   := "*" | a literal scheme                                     "http*" and no scheme at all match nothing,
                                                                           unless the rest makes it `raw`
    host     := any host; "*" in it stands for any text, dots included
    port     := digits | "*"
    path     := text after the host, glued to "?" query; "*" in it stands for any text, slashes included
    raw      := a pattern that no WHATWG URL parser takes (`:84*`, `[*]`), whatever its scheme

`parts` goes through a WHATWG URL parser first (Rust's, which pydantic brings), and so does the server's URL: scheme and host
become lower case, hosts punycode, IPv4 and IPv6 canonical, dot segments resolved, the scheme's own port dropped. What follows:

* Userinfo and fragment are ignored on both sides; one trailing dot of a host is.
* No port and a literal host: the scheme's own port only. No port and a wildcard host: any port. As an explicit default port is
  dropped by the parser, `https://*.example.com:443/*` means any port too.
* No path means any path, and so does a path that resolves to "/" unless the pattern's text ends in "/": then only the root.
* A "*" scheme is no special scheme to the parser: no punycode, no canonical IPv4, no implied "/", no default port.
* `raw` is compared with the whole URL (userinfo and fragment left out) as it stands; there "*" stops at "/".

An allow entry is exact on the query and a trailing slash. A deny entry without a query (`lenient`) also matches a URL with any
query, with slashes added at the end, or, where its path holds no "*", with slashes removed there.

Matching is linear in the URL's length for each "*": text between stars is searched for, never backtracked.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from pydantic_core import Url

from agent.core.brief import remembered
from agent.core.policy.globs import Glob

_STRIPPED = re.compile(r"[\t\n\r]")  # the parser leaves them out wherever they stand
_ANY_SCHEME = "any-scheme"  # not a special scheme, so the parser leaves host and port as they are written
_SCHEME = re.compile(r"[\x00-\x20]*(?P<scheme>[A-Za-z*][A-Za-z0-9+.\-*]*):")
_AUTHORITY = re.compile(r"(?P<front>[^:/?#]*:(?P<slashes>[/\\]*))(?P<authority>[^/\\?#]*)(?P<rest>.*)", re.DOTALL)
_SPECIAL = frozenset({"http", "https", "ws", "wss", "ftp", "file"})
_OWN_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}
_PATH_AT = 3  # "https:", "", "host", then the path's segments
_NO_HOST = Glob(("",))
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Address:
    """A server's URL after the WHATWG parser: what patterns are compared with."""

    scheme: str
    host: str
    port: str
    path: str
    query: str

    @property
    def authority(self) -> str:
        """The host, a dot at its end included, with the port if it is not the scheme's own."""
        return f"{self.host}:{self.port}" if self.port else self.host

    @property
    def bare_host(self) -> str:
        """The host without one trailing dot."""
        return self.host.removesuffix(".")


class Form(StrEnum):
    """What a pattern turned out to be; `NEVER` matches nothing, and stays a valid entry all the same."""

    ANY = "any"
    PARTS = "parts"
    RAW = "raw"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class UrlPattern:
    """A compiled pattern; `scheme`, `port` and `path` are None where anything goes.

    `raw` holds the segments between slashes, `loose_raw` the same without slashes at the end of a path that has no star, which
    is how deny entries match.
    """

    text: str
    form: Form
    scheme: str | None = None
    host: Glob = _NO_HOST
    port: str | None = None
    path: Glob | None = None
    query: bool = False
    raw: tuple[Glob, ...] = ()
    loose_raw: tuple[Glob, ...] = ()

    def matches(self, address: Address | None, *, lenient: bool) -> bool:
        """Say whether the URL matches; None stands for a URL that cannot be parsed. `lenient` is how deny entries match."""
        if self.form is Form.ANY:
            return True
        if address is None or self.form is Form.NEVER:
            return False
        if self.form is Form.RAW:
            return self._matches_raw(address, lenient=lenient)
        return self.matches_origin(address) and self._matches_path(address, lenient=lenient)

    def matches_origin(self, address: Address) -> bool:
        """Say whether scheme, host and port match (of a pattern in parts)."""
        return (
            (self.scheme is None or self.scheme == address.scheme)
            and (self.port is None or self.port == address.port)
            and self.host.matches(address.bare_host)
        )

    def _matches_path(self, address: Address, *, lenient: bool) -> bool:
        path = self.path
        if path is None or path.matches(address.path + address.query):
            return True
        if not lenient or self.query:
            return False
        if path.literal:
            path = Glob.of(_unslashed(path.pieces[0]))
        return path.matches(address.path) or path.matches(_unslashed(address.path))

    def _matches_raw(self, address: Address, *, lenient: bool) -> bool:
        start = f"{address.scheme}://{address.authority}"
        if _segments_match(self.raw, start + address.path + address.query):
            return True
        if not lenient or self.query:
            return False
        return any(_segments_match(self.loose_raw, start + path) for path in (address.path, _unslashed(address.path)))


def _segments_match(raw: tuple[Glob, ...], text: str) -> bool:
    segments = text.split("/")
    return len(segments) == len(raw) and all(glob.matches(part) for glob, part in zip(raw, segments, strict=True))


@remembered(4096)
def parse_url(text: str) -> Address | None:
    """Return the parts of `text`, None where the WHATWG parser refuses it."""
    try:
        url = Url(_SURROGATE.sub("\ufffd", text))
    except ValueError:
        return None
    port = "" if url.port in (None, _OWN_PORTS.get(url.scheme)) else str(url.port)
    path = (url.path or "").replace("^", "%5E")  # which the parser leaves, and the standard of today does not
    return Address(url.scheme, (url.host or "").lower(), port, path, f"?{url.query}" if url.query else "")


@remembered(4096)
def compile_pattern(text: str) -> UrlPattern:
    """Return the compiled pattern; any text gives one."""
    if text == "*":
        return UrlPattern(text, Form.ANY)
    cleaned = _STRIPPED.sub("", text)
    scheme = _SCHEME.match(cleaned)
    if scheme is None:
        return _raw(text)
    written = scheme["scheme"]
    plain, any_port = _without_any_port(cleaned, special=written.lower() in _SPECIAL)
    plain = plain.replace(written, _ANY_SCHEME if written == "*" else written.replace("*", "x"), 1)
    parsed = parse_url(plain)
    if parsed is None:
        return _raw(text)
    if "*" in written and written != "*":
        return UrlPattern(text, Form.NEVER)
    host = Glob.of(parsed.bare_host)
    whole = parsed.path + parsed.query
    any_path = whole in ("", "/") and not text.endswith("/")
    return UrlPattern(
        text,
        Form.PARTS,
        scheme=None if written == "*" else parsed.scheme,
        host=host,
        port=None if any_port or (not parsed.port and not host.literal) else parsed.port,
        path=None if any_path else Glob.of(whole),
        query=bool(parsed.query),
    )


def _raw(text: str) -> UrlPattern:
    segments = text.split("/")
    if len(segments) <= _PATH_AT or not segments[0].endswith((":", "*")) or segments[1].strip("*"):
        return UrlPattern(text, Form.NEVER)  # no URL has a text like that
    loose = list(segments)
    while len(loose) > _PATH_AT + 1 and not loose[-1] and "*" not in "".join(loose[_PATH_AT:]):
        loose.pop()
    return UrlPattern(
        text,
        Form.RAW,
        query="?" in text,
        raw=tuple(Glob.of(part) for part in segments),
        loose_raw=tuple(Glob.of(part) for part in loose),
    )


def _without_any_port(text: str, *, special: bool) -> tuple[str, bool]:
    """Take `:*` off the authority: the parser would refuse it."""
    found = _AUTHORITY.match(text)
    if found is None or (not special and found["slashes"] != "//") or not found["authority"].endswith(":*"):
        return text, False
    return found["front"] + found["authority"][:-2] + found["rest"], True


def _unslashed(path: str) -> str:
    return path.rstrip("/") or "/"

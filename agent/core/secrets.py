"""Where credentials stand in clear text in a configured server's entry; never what they are.

A value is a credential when it has the looks of one (`known_token`), or stands under a name that speaks of one and is no
reference to somewhere else (`${TOKEN}`, `op://…`), no path, and no placeholder. Names are told as the entry writes them.
"""

import re
from collections.abc import Iterator

from agent.core.redaction import HEADER_OPTION, redact_text
from agent.core.secret_looks import known_token, names_secret
from agent.core.server import Server

MOST = 20
"""Places that are told of one entry."""

_REFERENCE = re.compile(
    r"""(?ix)
    (?: \$\{[^}]*\} | \$[a-z_]\w* | \$\([^)]*\) | `[^`]*` | %[a-z_]\w*% | !?\$env:\w+ | \{\{[^}]*\}\}
      | \{(?:env|file|input):[^}]*\}
      | (?:op|vault|keychain|keyring|secret|env|ssm|doppler|gcp|aws|azure|bws|pass)://\S* | <[^>]*> )+
    """
)
_PLACEHOLDER = re.compile(
    r"(?i)\*+|x+|\.{2,}|(?:your|my|the|insert|enter|replace|add|example|changeme|change[-_]me|todo|none|null|true|false|dummy|test|redacted)"
    r"(?:[-_ ].*)?|.*[-_](?:here|goes[-_]here|placeholder)"
)
_PATH = re.compile(r"(?:~|\.{1,2})?/(?!\S*[+=])\S*|~|[A-Za-z]:[\\/].*|\\\\.*")
_SCHEME = re.compile(r"(?i)^(?:(?:bearer|basic|token|apikey|digest)(?:\s+|$))+")
_USER_INFO = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://(?P<user>[^\s/:@]*):(?P<password>\S+)@")
_OPTION = re.compile(r"(?P<name>--?[A-Za-z][\w.-]*)=(?P<value>.*)", re.DOTALL)
_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_]\w*)=(?P<value>.+)", re.DOTALL)
_QUERY = re.compile(r"[?&;](?P<name>[^=&#\s]{1,200})=(?P<value>[^&#\s]*)")
_SHORTEST = 6


def clear_text_secrets(server: Server) -> tuple[str, ...]:
    """Return, for people, each part of the entry in which a credential stands in clear text."""
    found = dict.fromkeys(redact_text(part) for part in _parts(server))
    return tuple(found)[:MOST]


def _parts(server: Server) -> Iterator[str]:
    yield from (f"the environment variable {name}" for name, value in server.env.items() if _secret(name, value))
    yield from (f"the header {name}" for name, value in server.headers.items() if _secret(name, value))
    if server.url is not None:
        yield from (f"the URL's {part}" for part in _in_url(server.url))
    yield from _in_command(server.command or ())


def _in_command(command: tuple[str, ...]) -> Iterator[str]:
    before = ""
    for number, word in enumerate(command):
        where = f"argument {number}" if number else "the command"
        option, pair = _OPTION.fullmatch(word), _pair(before, word)
        if pair is not None and _secret(*pair):
            yield f"{where}, the value of {pair[0]}"
        elif option is not None and _secret(option["name"].lstrip("-"), option["value"]):
            yield f"{where}, the value of {option['name']}"
        elif (
            before.startswith("-")
            and "=" not in before
            and not word.startswith("-")
            and _secret(before.lstrip("-"), word)
        ):
            yield f"{where}, the value of {before}"
        elif "://" in word and any(_in_url(word)):
            yield f"{where}, a URL"
        elif known_token(word):
            yield where
        before = word


def _pair(before: str, word: str) -> tuple[str, str] | None:
    """Return the name and the value of an assignment (`-e NAME=value`, `NAME=value`) or a header (`--header "Name: value"`)."""
    if HEADER_OPTION.match(before):
        name, found, value = word.partition(":")
        return (name.strip("\"' "), value.strip("\"' ")) if found else None
    assignment = _ASSIGNMENT.fullmatch(word)
    return (assignment["name"], assignment["value"]) if assignment else None


def _in_url(text: str) -> Iterator[str]:
    if (password := _password(text)) is not None and _plausible(password):
        yield "password"
    for match in _QUERY.finditer(text):
        if _secret(match["name"], match["value"]):
            yield f"parameter {match['name']}"
    if known_token(text.partition("?")[0]):
        yield "path"


def _secret(name: str, value: str) -> bool:
    bare = _SCHEME.sub("", value.strip().strip("\"'"), count=1).strip()
    if known_token(bare):
        return True
    password = _password(bare)
    return _plausible(bare if password is None else password) and (password is not None or names_secret(name))


def _password(text: str) -> str | None:
    """Return what stands before the last @ of a URL with user information; word by word, and nothing is searched in vain."""
    for word in text.split():
        login = _USER_INFO.search(word[: word.rfind("@") + 1])
        if login is not None:
            return login["password"]
    return None


def _plausible(value: str) -> bool:
    """Say whether a value under a telling name is the credential itself."""
    bare = value.strip().strip("\"'")
    if len(bare) < _SHORTEST or (bare.isdecimal() and len(bare) < _SHORTEST * 2) or "://" in bare:
        return False
    return not (_REFERENCE.fullmatch(bare) or _PLACEHOLDER.fullmatch(bare) or _PATH.fullmatch(bare))

"""Redaction: what may be stored, printed or sent of a command line, a URL or a policy entry.

Rules, in this order, word by word (a shell string inside one argument is taken word by word too):

1. An environment assignment (`NAME=value`, also after `-e` or `--env`) keeps the name only; a header (`Name: value`) and a login
   (`-u name:password`) likewise.
2. The value of an option or member whose name speaks of a secret (`--token x`, `--apiKey=x`, `"token": "x"`) is dropped.
3. A URL loses its user information, its fragment and the values of its query; its path loses segments that look like secrets.
4. Any run of characters that looks like a secret (`agent/core/secret_looks.py`) is dropped.

It prefers to drop too much. It is idempotent, never raises, and its output never holds more than its input. Users write what it
is given, up to 64 KB a word, so no pattern may begin anew within what it has already passed.
"""

import re
import string
from collections.abc import Mapping, Sequence

from agent.core.brief import remembered
from agent.core.secret_looks import MASK, drop_known, drop_runs, is_base64, names_secret

_SHORTEST_SECRET = 16  # of letters and digits alone, and told by its looks alone: an access key id

_HOST = re.compile(r"(?:[\w-]+(?:\.[\w-]+)+|localhost|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_WORD = re.compile(r"(\s+)")
_ASSIGNMENT = re.compile(r"^((?:-e|[\"'])?[A-Z_][A-Z0-9_]*)=(.+)$", re.DOTALL)
_OPTION = re.compile(r"^(-{1,2}[A-Za-z][\w.-]*)=(.*)$", re.DOTALL)
HEADER_OPTION = re.compile(r"^(?:-H|--headers?|--http-headers?)$")
_ATTACHED_HEADER = re.compile(r"^((?:-H|--(?:http-)?headers?=)[\"']?[\w-]+:)(.*)$", re.DOTALL)
_LOGIN_OPTION = re.compile(r"^(?:-u|--(?:proxy-)?user)$")
_LOGIN = re.compile(r"^([^:]*):(?![0-9]+$)(.+)$", re.DOTALL)
"""Not two numbers: those are a user and a group."""
_SUBJECT_DIGEST = re.compile(r":[0-9a-f]{12}(?: [a-z]{1,16})?\Z")
_AROUND = "\"'[](){},"
_MEMBER = re.compile(
    r"(?P<quote>\\{0,300}[\"'])([\w.-]{1,80})(?P=quote)(\s*:\s*)(?P=quote)(.*?)(?<!\\)(?P=quote)", re.DOTALL
)
"""A member of JSON, also of JSON that stands in a text of JSON."""
_PAIR = re.compile(
    r"(?<![\w.-])(?:[^\WA-Za-z_]|[.-])*+([A-Za-z_][\w.-]*+)\\*[\"']?[:=]+\\*[\"']?(?=[^\s\"',;&{}\[\]\\])"
)
_PAIR_VALUE = re.compile(r"[^\s\"',;&{}\[\]\\]+")
_ENV_OPTION = re.compile(r"^(?:-e|--env|--build-arg|--environment)$")
_SCHEME = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//", re.ASCII)
_IN_SCHEME = string.ascii_letters + string.digits + "+.-"
_NOT_FIRST_IN_SCHEME = string.digits + "+.-"


def redact_command(command: Sequence[str]) -> tuple[str, ...]:
    """Return `[command, *args]` with everything that may be a secret replaced by `***`."""
    return _redacted(tuple(command))


@remembered(1024)  # of one server it is asked half a dozen times
def _redacted(command: tuple[str, ...]) -> tuple[str, ...]:
    shown: list[str] = []
    pending = ""
    for argument in command:
        argument = _members(argument)  # noqa: PLW2901 - the same argument, with less in it
        if header := _ATTACHED_HEADER.match(argument):
            shown.append(f"{header[1]}{MASK if header[2].strip() else ''}")
            pending = "" if header[2].strip() else "secret"
        elif any(character.isspace() for character in argument) and not HEADER_OPTION.match(pending):
            shown.append(_phrase(argument))
            pending = ""
        else:
            shown.append(_after(pending, argument) if pending else _word(argument))
            pending = _wants(argument)
    return tuple(shown)


def redact_text(text: str) -> str:
    """Return a free text with everything that may be a secret replaced."""
    return _phrase(text)


def redact_subject(subject: str) -> str:
    """Return what a deviation is about, redacted but for the digest that makes it this one and no other: it is public.

    Without it `…:token:<digest>` would lose the digest to the name, and all servers of that name would be one.
    """
    digest = _SUBJECT_DIGEST.search(subject)
    at = digest.start() if digest else len(subject)
    return redact_text(subject[:at]) + subject[at:]


def redact_url(url: str) -> str:
    """Return `url` without user information, query values and fragment, and without path segments that look like secrets."""
    scheme = _SCHEME.match(url)
    if not scheme:
        return drop_runs(url)
    rest = url[scheme.end() :]
    authority, slash, path = rest.partition("/")
    if "@" in rest and not _plausible_authority(authority):
        # A password may itself hold slashes, question marks and @ signs: all up to the last @ goes.
        authority, slash, path = rest.rpartition("@")[2].partition("/")
        authority = f"{MASK}@{authority}"
    elif "@" in authority:
        authority = f"{MASK}@{authority.rpartition('@')[2]}"
    rest = authority + slash + path
    rest, hash_mark, _ = rest.partition("#")
    rest, question, query = rest.partition("?")
    authority, slash, path = rest.partition("/")
    authority = ".".join(drop_runs(label) for label in authority.split("."))
    segments = "/".join(drop_runs(segment) for segment in path.split("/"))
    shown_query = "&".join(_query_part(part) for part in query.split("&")) if question else ""
    return f"{scheme.group()}{authority}{slash}{segments}{question}{shown_query}{hash_mark}{MASK if hash_mark else ''}"


def redact_value(value: object, name: str = "") -> object:
    """Return a value of JSON that stands under `name`: lists of texts are taken for command lines."""
    if isinstance(value, Mapping):
        return {redact_text(str(key)): redact_value(item, str(key)) for key, item in value.items()}
    if isinstance(value, list):
        texts = all(isinstance(item, str) for item in value)
        return list(redact_command(value)) if texts else [redact_value(item, name) for item in value]
    if isinstance(value, str):
        return MASK if value and names_secret(name) else redact_text(value)
    return value


def redact_name(name: str) -> str:
    """Return a name or a path without what has the looks of a provider's credential; all else must stay as it is to be found."""
    return drop_known(name)


@remembered(2048)
def _phrase(text: str) -> str:
    """Redact word by word. Kept for a while: the same reasons are told of many servers."""
    pending = ""
    shown: list[str] = []
    for piece in _WORD.split(_members(text)):
        if not piece or piece.isspace():
            shown.append(piece)
            continue
        if pending == "header":  # the value of a header runs to the closing quote or the end
            shown.append(MASK if piece != MASK else piece)
            pending = "" if piece.endswith(("'", '"')) else pending
            continue
        shown.append(_after(pending, piece) if pending else _word(piece))
        pending = _wants(piece)
    return "".join(shown)


def _wants(word: str) -> str:
    """Say what the next word is, judged by this one: `secret`, `header-pair`, `assignment`, `header`, or nothing."""
    bare = word.strip(_AROUND)
    if bare[:1] != "-":
        return _wants_after_name(bare)
    if HEADER_OPTION.match(bare):
        return "header-pair"
    if _ENV_OPTION.match(bare):
        return "assignment"
    if _LOGIN_OPTION.match(bare):
        return "login"
    if (header := _ATTACHED_HEADER.match(word)) and not header[2]:
        return "header"
    return "secret" if "=" not in bare and names_secret(bare.lstrip("-")) else ""


def _wants_after_name(bare: str) -> str:
    if bare.endswith(":") and len(bare) > 1 and names_secret(bare[:-1]):
        return "header"
    if bare.lower() in {"bearer", "basic"}:
        return "secret"
    return ""


def _after(pending: str, word: str) -> str:
    if pending == "secret":
        return word if word.startswith("-") and len(word) < 3 else _masked(word)  # noqa: PLR2004 - `-x` is the next option
    if pending == "login":
        return f"{login[1]}:{MASK}" if (login := _LOGIN.match(word)) else _word(word)
    separator = ":" if pending == "header-pair" else "="
    name, found, _ = word.partition(separator)
    return f"{name}{separator}{MASK}" if found else _word(word)


def _masked(word: str) -> str:
    """Drop a word, and keep what stands around it in a list."""
    return word.replace(bare, MASK) if (bare := word.strip(_AROUND)) else MASK


def _word(word: str) -> str:
    if len(word) < _SHORTEST_SECRET and word.isalnum():
        return word
    if assignment := _ASSIGNMENT.match(word):
        return f"{assignment[1]}={MASK}"
    if header := _ATTACHED_HEADER.match(word):
        return f"{header[1]}{MASK if header[2] else ''}"
    if option := _OPTION.match(word):
        return _option(*option.groups())
    if (start := _url_start(word)) is not None:
        return word[:start] + redact_url(word[start:])
    return _unmarked(word)


def _url_start(word: str) -> int | None:
    """Return where the first URL of a word begins, one without a scheme too; None where there is none."""
    before, found, _ = word.partition("//")
    if not found:
        return None
    if not before.endswith(":"):
        return len(before)
    around = before[:-1].rstrip(_IN_SCHEME)
    scheme = before[len(around) : -1].lstrip(_NOT_FIRST_IN_SCHEME)
    return len(before) - len(scheme) - 1 if scheme else len(before)


def _option(name: str, value: str) -> str:
    if _LOGIN_OPTION.match(name):
        return f"{name}={_after('login', value)}"
    return f"{name}={MASK if names_secret(name.lstrip('-')) and value else _word(value)}"


def _unmarked(word: str) -> str:
    """Redact a word without a mark of its own: `token:x`, `password=x`, base64, or whatever looks like a secret."""
    for separator in ":=":
        name, found, value = word.partition(separator)
        if found and value and names_secret(name.strip("\"'")):
            return f"{name}{separator}{MASK}"
    word = _pairs(word)
    return MASK if is_base64(word) else drop_runs(word)


def _pairs(word: str) -> str:
    """Drop the values of pairs within a word (`Server=db;Password=x`, `$env:TOKEN='x'`) whose name speaks of a secret."""
    shown, at = "", 0
    while pair := _PAIR.search(word, at):
        shown += word[at : pair.end()]
        at = pair.end()  # what looks like its value may be a name itself
        if names_secret(pair[1]) and (value := _PAIR_VALUE.match(word, at)):
            shown += MASK
            at = value.end()
    return shown + word[at:]


def _members(text: str) -> str:
    """Drop the values of members of JSON whose name speaks of a secret."""
    if '":' not in text and "':" not in text and '" :' not in text:
        return text
    return _MEMBER.sub(
        lambda found: (
            f"{found['quote']}{found[2]}{found['quote']}{found[3]}{found['quote']}{MASK}{found['quote']}"
            if names_secret(found[2])
            else found[0]
        ),
        text,
    )


def _plausible_authority(authority: str) -> bool:
    """True where what follows the last @ can be a host: then an @ further right belongs to the path."""
    return bool(_HOST.fullmatch(authority.rpartition("@")[2]))


def _query_part(part: str) -> str:
    name, equals, _ = part.partition("=")
    return f"{drop_runs(name)}{equals}{MASK if equals else ''}"

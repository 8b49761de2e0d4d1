"""Redaction: what may be stored, printed or sent of a command line, a URL or a policy entry.

Rules, in this order, word by word (a shell string inside one argument is taken word by word too):

1. An environment assignment (`NAME=value`, also after `-e` or `--env`) keeps the name only; a header (`Name: value`) and a login
   (`-u name:password`) likewise.
2. The value of an option or member whose name speaks of a secret (`--token x`, `--apiKey=x`, `"token": "x"`) is dropped.
3. A URL loses its user information, its fragment and the values of its query; its path loses segments that look like secrets.
4. Any run of characters that looks like a secret (a known prefix, a JSON web token, a UUID, or a long run that mixes letters and
   digits) is dropped. Digests written as `sha256:…` are kept: they pin an image and are public.

It prefers to drop too much. It is idempotent, never raises, and its output never holds more than its input.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

MASK = "***"
_SHORTEST_SECRET = 16  # of letters and digits alone, and told by its looks alone: an access key id

_HOST = re.compile(r"(?:[\w-]+(?:\.[\w-]+)+|localhost|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_WORD = re.compile(r"(\s+)")
_ASSIGNMENT = re.compile(r"^((?:-e|[\"'])?[A-Z_][A-Z0-9_]*)=(.+)$", re.DOTALL)
_OPTION = re.compile(r"^(-{1,2}[A-Za-z][\w.-]*)=(.*)$", re.DOTALL)
_SECRET_NAME = re.compile(
    r"(?i)(?:^|[-_.])(?:token|secret|password|passwd|passphrase|pass|pwd|auth|authorization|bearer|credential|credentials|cookie|session"
    r"|signature|sig|(?:api|access|private|secret|client|auth|signing|account|subscription)?[-_.]?key|pat|jwt|dsn|connection[-_.]?string)$"
)
HEADER_OPTION = re.compile(r"^(?:-H|--headers?|--http-headers?)$")
_ATTACHED_HEADER = re.compile(r"^((?:-H|--(?:http-)?headers?=)[\"']?[\w-]+:)(.*)$", re.DOTALL)
_LOGIN_OPTION = re.compile(r"^(?:-u|--(?:proxy-)?user)$")
_LOGIN = re.compile(r"^([^:]*):(?![0-9]+$)(.+)$", re.DOTALL)
"""Not two numbers: those are a user and a group."""
_AROUND = "\"'[](){},"
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_MEMBER = re.compile(r"(?P<quote>\\*[\"'])([\w.-]{1,80})(?P=quote)(\s*:\s*)(?P=quote)(.*?)(?<!\\)(?P=quote)", re.DOTALL)
"""A member of JSON, also of JSON that stands in a text of JSON."""
_PAIR = re.compile(r"([A-Za-z_][\w.-]*)(\\*[\"']?[:=]+\\*[\"']?)([^\s\"',;&{}\[\]\\]+)")
_ENV_OPTION = re.compile(r"^(?:-e|--env|--build-arg|--environment)$")
_SCHEME = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//", re.ASCII)
_KNOWN = re.compile(
    r"(?:sk|pk|rk)[-_](?:live|test|ant|proj|or)?[-_]?[A-Za-z0-9_-]{12,}|gh[pousr]_[A-Za-z0-9]{10,}|github_pat_\w{10,}|glpat-[\w-]{10,}"
    r"|xox[abeprs]-[\w-]{8,}|xapp-[\w-]{8,}|(?:AKIA|ASIA|ABIA)[A-Z0-9]{12,}|AIza[\w-]{20,}|ya29\.[\w-]{10,}|npm_[A-Za-z0-9]{20,}"
    r"|pypi-[\w-]{20,}|hf_[A-Za-z0-9]{20,}|SG\.[\w-]{10,}\.[\w-]{10,}|eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?|dop_v1_[a-f0-9]{20,}|lin_api_\w{10,}"
    r"|ntn_\w{10,}|secret_\w{16,}|sbp_[a-f0-9]{20,}|shp(?:at|ss|ca)_[a-fA-F0-9]{16,}|gsk_\w{20,}|xai-\w{20,}|pplx-\w{20,}"
    r"|tvly-[\w-]{16,}|figd_[\w-]{20,}|dapi[a-f0-9]{32}|ATATT3[\w=-]{20,}|AGE-SECRET-KEY-1\w{20,}|hv[sbr]\.[\w-]{20,}|SK[a-f0-9]{32}|[a-f0-9]{32}-us\d{1,2}"
    r"|\d{8,10}:[\w-]{35}|[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,}|AccountKey=[A-Za-z0-9+/=]{20,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
_UUID = re.compile(r"(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
_DIGEST = re.compile(r"sha(?:256|384|512)[:-][0-9A-Fa-f]{32,}")
_RUN = re.compile(r"[A-Za-z0-9+_=~-]{20,}")
_PLAIN_RUN = re.compile(r"(?:[A-Za-z]+|[0-9]{1,4})(?:[-_](?:[A-Za-z]+|[0-9]{1,4}))*")
_BASE64 = re.compile(r"^(?=.*[A-Z])(?=.*[a-z])(?=.*[0-9+])[A-Za-z0-9+/]{16,}={0,2}$")


def redact_command(command: Sequence[str]) -> tuple[str, ...]:
    """Return `[command, *args]` with everything that may be a secret replaced by `***`."""
    return _redacted(tuple(command))


@lru_cache(maxsize=1024)  # of one server it is asked half a dozen times
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


def redact_url(url: str) -> str:
    """Return `url` without user information, query values and fragment, and without path segments that look like secrets."""
    scheme = _SCHEME.match(url)
    if not scheme:
        return _runs(url)
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
    authority = ".".join(_runs(label) for label in authority.split("."))
    segments = "/".join(_runs(segment) for segment in path.split("/"))
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
    return _KNOWN.sub(MASK, name)


def known_token(text: str) -> bool:
    """Say whether something in `text` has the looks of a provider's credential, whatever name it stands under."""
    return _KNOWN.search(text) is not None


def names_secret(name: str) -> bool:
    """Say whether a variable, header, option or parameter of that name holds a credential."""
    return _SECRET_NAME.search(_CAMEL.sub("-", name)) is not None


def redact_all(texts: Iterable[str]) -> tuple[str, ...]:
    """Redact each text on its own."""
    return tuple(redact_text(text) for text in texts)


@lru_cache(maxsize=2048)
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
    if scheme := _SCHEME.search(word):
        return word[: scheme.start()] + redact_url(word[scheme.start() :])
    return _unmarked(word)


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
    if _BASE64.match(word) and "/" in word[1:] and not word.startswith(("/", ".")) and _mixed(word):
        return MASK
    return _runs(word)


def _pairs(word: str) -> str:
    """Drop the values of pairs within a word (`Server=db;Password=x`, `$env:TOKEN='x'`) whose name speaks of a secret."""
    shown, at = "", 0
    while pair := _PAIR.search(word, at):
        told = names_secret(pair[1])
        end = pair.end() if told else pair.end(2)  # what looks like its value may be a name itself
        shown += word[at : pair.end(2)] + (MASK if told else "")
        at = end
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
    return f"{_runs(name)}{equals}{MASK if equals else ''}"


def _runs(text: str) -> str:
    """Drop every run of characters in `text` that looks like a secret, keeping public digests."""
    shown: list[str] = []
    at = 0
    for digest in _DIGEST.finditer(text):
        shown += (_drop(text[at : digest.start()]), digest.group())
        at = digest.end()
    shown.append(_drop(text[at:]))
    return "".join(shown)


def _drop(text: str) -> str:
    text = _KNOWN.sub(MASK, text)
    text = _UUID.sub(MASK, text)
    return _RUN.sub(lambda run: MASK if _mixed(run.group()) else run.group(), text)


def _mixed(run: str) -> bool:
    """True for a run that no person would have typed as a name: letters and digits mixed, not words joined by dashes.

    A name may hold a version or a hash of a dozen characters at most; base64 of any length has both cases and some digit.
    """
    if _PLAIN_RUN.fullmatch(run):
        return False
    digits = sum(character.isdigit() for character in run)
    letters = sum(character.isalpha() for character in run)
    longest = max(len(part) for part in re.split(r"[-_=+~]", run))
    cases = any(character.islower() for character in run) and any(character.isupper() for character in run)
    return (digits >= 2 and letters >= 2 and longest >= 12) or (digits >= 1 and cases and longest >= 20)  # noqa: PLR2004 - see above

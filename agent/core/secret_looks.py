"""The looks of secrets: names that speak of one, known shapes of credentials, and runs that nobody typed as a name.

A run is a secret by its looks if it has a known prefix, is a JSON web token or a UUID, or is long and mixes letters and digits.
Digests written as `sha256:…` are kept: they pin an image and are public. All takes time linear in the text, which users write.
"""

import re

MASK = "***"

_SECRET_NAME = re.compile(
    r"(?i)(?:^|[-_.])(?:token|secret|password|passwd|passphrase|pass|pwd|auth|authorization|bearer|credential|credentials|cookie|session"
    r"|signature|sig|(?:api|access|private|secret|client|auth|signing|account|subscription)?[-_.]?key|pat|jwt|dsn|connection[-_.]?string)$"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_KNOWN = re.compile(
    r"(?:sk|pk|rk)[-_](?:live|test|ant|proj|or)?[-_]?[A-Za-z0-9_-]{12,}|gh[pousr]_[A-Za-z0-9]{10,}|github_pat_\w{10,}|glpat-[\w-]{10,}"
    r"|xox[abeprs]-[\w-]{8,}|xapp-[\w-]{8,}|(?:AKIA|ASIA|ABIA)[A-Z0-9]{12,}|AIza[\w-]{20,}|ya29\.[\w-]{10,}|npm_[A-Za-z0-9]{20,}"
    r"|pypi-[\w-]{20,}|hf_[A-Za-z0-9]{20,}|SG\.[\w-]{10,}\.[\w-]{10,}|eyJ[\w-]{8,4000}+\.[\w-]{4,}(?:\.[\w-]*)?|dop_v1_[a-f0-9]{20,}|lin_api_\w{10,}"
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


def known_token(text: str) -> bool:
    """Say whether something in `text` has the looks of a provider's credential, whatever name it stands under."""
    return _KNOWN.search(text) is not None


def names_secret(name: str) -> bool:
    """Say whether a variable, header, option or parameter of that name holds a credential."""
    return _SECRET_NAME.search(_CAMEL.sub("-", name)) is not None


def drop_known(text: str) -> str:
    """Drop what has the looks of a provider's credential, and nothing else."""
    return _KNOWN.sub(MASK, text)


def drop_runs(text: str) -> str:
    """Drop every run of characters in `text` that looks like a secret, keeping public digests."""
    shown: list[str] = []
    at = 0
    for digest in _DIGEST.finditer(text):
        shown += (_drop(text[at : digest.start()]), digest.group())
        at = digest.end()
    shown.append(_drop(text[at:]))
    return "".join(shown)


def _drop(text: str) -> str:
    text = _UUID.sub(MASK, drop_known(text))
    return _RUN.sub(lambda run: MASK if _mixed(run.group()) else run.group(), text)


def is_base64(word: str) -> bool:
    """Say whether a word that is no path has the looks of base64 with a slash in it, which no run holds."""
    return bool(_BASE64.match(word)) and "/" in word[1:] and not word.startswith(("/", ".")) and _mixed(word)


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

"""How a failing control becomes a deviation: the words and severity come from the table of controls."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from agent.core.control import CONTROLS
from agent.core.deviation import Deviation, Evidence, Key
from agent.core.observation import Scope
from agent.core.place import Place
from agent.core.redaction import redact_command, redact_name, redact_subject, redact_text, redact_url
from agent.core.server import Server

Nearest = Callable[[Server], Sequence[str]]
"""Tells the entries of the policy that nearly match a server, the nearest first, each in one redacted sentence."""


def nobody_near(_server: Server) -> Sequence[str]:
    """Know of no entry that nearly matches."""
    return ()


def near_evidence(nearest: Nearest, server: Server) -> list[Evidence]:
    """Return the nearest entry as evidence, nothing where none is near."""
    return [Evidence("nearest-entry", text) for text in nearest(server)[:1]]


def of_user(user: str | None, what: str) -> str:
    """Return the label of what a user runs or has configured."""
    return f"{user or 'unknown user'}: {what}"


def digest(sha256: str | None) -> str:
    """Return the digest of a file in the one form that redaction lets pass: it is no secret, and looks like one."""
    return f"sha256:{sha256}" if sha256 else "no digest: it could not be read"


def at(kind: str, place: Place) -> Evidence:
    """Return a place in a file as evidence."""
    return Evidence(kind, str(place), path=place.path)


def _redacted(item: Evidence) -> Evidence:
    return replace(item, text=redact_text(item.text), path=item.path and redact_name(item.path))


def redact(words: Sequence[str]) -> Sequence[str]:
    """Redact a command, or a list of one URL."""
    if len(words) == 1 and "://" in words[0]:
        return (redact_url(words[0]),)
    return redact_command(words)


def deviation(  # noqa: PLR0913 - the fields of a deviation
    control: str,
    *,
    subject: str,
    label: str,
    text: str,
    evidence: Iterable[Evidence] = (),
    user: str | None = None,
    client: str | None = None,
    depends: tuple[Scope, ...] = (),
    remediation: str | None = None,
) -> Deviation:
    """Return the deviation of `control` for `subject`; every text is redacted once more on its way in."""
    known = CONTROLS[control]
    return Deviation(
        key=Key(control, redact_subject(subject)),
        severity=known.severity,
        label=redact_text(label),
        title=known.title,
        text=redact_text(text),
        remediation=redact_text(remediation or known.remedy),
        evidence=tuple(_redacted(item) for item in evidence),
        user=user,
        client=client,
        depends=tuple(replace(scope, path=redact_name(scope.path)) if scope.path else scope for scope in depends),
    )

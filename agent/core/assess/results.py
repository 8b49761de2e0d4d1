"""How a failing control becomes a deviation: the words and severity come from the table of controls."""

from collections.abc import Iterable

from agent.core.control import CONTROLS
from agent.core.deviation import Deviation, Evidence, Key
from agent.core.observation import Scope
from agent.core.redaction import redact_text


def deviation(  # noqa: PLR0913 - the fields of a deviation
    control: str,
    *,
    subject: str,
    label: str,
    text: str,
    evidence: Iterable[Evidence] = (),
    user: str | None = None,
    depends: tuple[Scope, ...] = (),
    remediation: str | None = None,
) -> Deviation:
    """Return the deviation of `control` for `subject`; every text is redacted once more on its way in."""
    known = CONTROLS[control]
    return Deviation(
        key=Key(control, redact_text(subject)),
        severity=known.severity,
        label=redact_text(label),
        title=known.title,
        text=redact_text(text),
        remediation=redact_text(remediation or known.remedy),
        evidence=tuple(Evidence(item.kind, redact_text(item.text)) for item in evidence),
        user=user,
        depends=depends,
    )

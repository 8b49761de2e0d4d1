"""Who may do what: one table of roles. A token of another program holds permissions themselves, which are its scopes."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Permission(StrEnum):
    """One thing that can be permitted; the value is also the scope of a token."""

    READ = "read"
    FEED = "feed"
    PRIVATE = "private"
    LOOK = "look"
    COMMENT = "comment"
    HANDLE = "handle"
    SUPPRESS = "suppress"
    PREVIEW = "preview"
    AUDIT = "audit"
    ADMINISTER = "administer"


MEANING: Mapping[Permission, str] = {
    Permission.READ: "see devices, their servers, policies, deviations and history; the fleet",
    Permission.FEED: "read the alerts as OCSF events, and how they are pushed on",
    Permission.PRIVATE: "see whole paths below people's homes",
    Permission.LOOK: "ask an agent for a fresh look",
    Permission.COMMENT: "write comments on alerts",
    Permission.HANDLE: "acknowledge and assign alerts, and send again what a destination refused",
    Permission.SUPPRESS: "make and end exceptions",
    Permission.PREVIEW: "see what a candidate policy would change",
    Permission.AUDIT: "read who changed what",
    Permission.ADMINISTER: "change people, tokens, enrolment keys and what devices write by",
}
"""What each one lets do, in words."""


class Role(StrEnum):
    """What a person is here for."""

    VIEWER = "viewer"
    HELP_DESK = "help-desk"
    SOC = "soc"
    ADMIN = "admin"


SCOPES = frozenset(Permission) - {Permission.ADMINISTER}
"""What a token may hold: a token makes no people and no tokens."""

_HELP_DESK = frozenset({Permission.READ, Permission.LOOK, Permission.COMMENT})

PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.READ}),
    Role.HELP_DESK: _HELP_DESK,
    Role.SOC: SCOPES,
    Role.ADMIN: frozenset(Permission),
}
"""What each role may do in the pages and by the API."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: a person who signed in, or a token. `name` is what the audit log says."""

    name: str
    kind: Literal["person", "token"]
    permissions: frozenset[Permission]
    role: str = ""

    def may(self, permission: Permission) -> bool:
        """Say whether this is permitted."""
        return permission in self.permissions


def role_of(claim: object, mapping: Mapping[str, Role], otherwise: Role | None) -> Role | None:
    """Return the strongest role that the values of an identity provider's claim are mapped to; `otherwise` where none is.

    A claim is a text or a list of texts; anything else says nothing.
    """
    values = [claim] if isinstance(claim, str) else claim if isinstance(claim, list | tuple) else []
    found = [mapping[value] for value in values if isinstance(value, str) and value in mapping]
    return max(found, key=tuple(Role).index, default=otherwise)


InForce = Literal["in force", "expired", "revoked"]


def in_force(revoked_at: float | None, expires_at: float | None, now: float) -> InForce:
    """Say whether a token or a key is good at `now`; all in Unix seconds."""
    if revoked_at is not None:
        return "revoked"
    return "expired" if expires_at is not None and expires_at <= now else "in force"

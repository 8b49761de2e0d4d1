"""The tables. Every key of what belongs to a device begins with the device, so that a distributed PostgreSQL can shard by it.

What was tried of that says packaging/central/README.md.

Times are Unix seconds; `day` is the number of days since 1970 of the receipt, by which old rows go as whole partitions. JSON is
kept as text: it is read whole, never searched. `postgresql_with` leaves room in the pages of `devices` for updates in place.
"""

from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    text,
)


class Json(TypeDecorator[Any]):
    """A JSON value as text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Write."""
        return None if value is None else orjson.dumps(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401, ARG002 - SQLAlchemy's signature
        """Read."""
        return None if value is None else orjson.loads(value)


metadata = MetaData()


def _text(name: str, *, key: bool = False, default: str | None = "") -> Column[str]:
    standing = None if default is None else text(f"'{default}'")
    return Column(
        name, Text, primary_key=key, nullable=default is None and not key, server_default=None if key else standing
    )


def _at(name: str, *, nullable: bool = True, key: bool = False) -> Column[float]:
    return Column(name, Double, nullable=nullable and not key, primary_key=key)


devices = Table(
    "devices",
    metadata,
    _text("device", key=True),
    _text("hostname"),
    _text("serial"),
    _text("os"),
    _text("os_version"),
    _text("agent_version"),
    _at("enrolled_at", nullable=False),
    _at("contact_at"),
    _at("told_at"),
    _text("told_journal"),
    Column("told_sequence", BigInteger, nullable=False, server_default="0"),
    _text("facts_journal"),
    Column("facts_sequence", BigInteger, nullable=False, server_default="0"),
    _text("state", default="unknown"),
    _at("state_since"),
    _text("why"),
    Column("counts", Json, nullable=False),
    Column("coverage", Json, nullable=False),
    Column("blind", Json, nullable=False),
    Column("health", Json, nullable=False),
    Column("dropped", Json, nullable=False),
    _text("policy_digest"),
    _at("offset_s"),
    _at("look_wanted_at"),
    _at("looked_at"),
    _at("restated_at"),
    _text("last_batch"),
    Column("lines", Json, nullable=False),
    postgresql_with={"fillfactor": 70},
)
"""One row per device, as `central.core.device.Device`; rewritten by every batch."""

credentials = Table(
    "credentials",
    metadata,
    _text("device", key=True),
    Column("current", LargeBinary),
    Column("next", LargeBinary),
    _text("certificate", default=None),
    _at("issued_at", nullable=False),
    _at("revoked_at"),
    _text("revoked_by"),
    Index("credentials_by_certificate", "certificate"),
)
"""SHA-256 of the device's credential, and of the one that follows it; or the subject of its certificate."""

enrolment_keys = Table(
    "enrolment_keys",
    metadata,
    _text("name", key=True),
    Column("hash", LargeBinary, nullable=False),
    _at("made_at", nullable=False),
    _text("made_by"),
    _at("expires_at"),
    _at("revoked_at"),
    _at("used_at"),
)

events = Table(
    "events",
    metadata,
    _text("device", key=True),
    Column("day", Integer, primary_key=True),
    _text("journal", key=True),
    Column("sequence", BigInteger, primary_key=True),
    _text("digest", key=True),
    Column("class_uid", Integer, nullable=False),
    _at("received_at", nullable=False),
    Column("line", Text, nullable=False),
    postgresql_partition_by="RANGE (day)",
)
"""Every event but signs of life, as it was sent."""

deviations = Table(
    "deviations",
    metadata,
    _text("device", key=True),
    _text("uid", key=True),
    _at("opened_at", key=True),
    _text("source"),
    _text("control"),
    _text("severity"),
    Column("rank", Integer, nullable=False),
    _text("subject"),
    _text("label"),
    _text("title"),
    _text("text"),
    _text("remediation"),
    _text("user", default=None),
    _text("client", default=None),
    Column("evidence", Json, nullable=False),
    _text("cause"),
    Column("alert", Boolean, nullable=False, server_default=text("false")),
    _at("told_at", nullable=False),
    _at("last_seen", nullable=False),
    _at("received_at", nullable=False),
    _at("closed_at"),
    _text("assignee", default=None),
    _text("acknowledged_by", default=None),
    _at("acknowledged_at"),
    Index(
        "deviations_open",
        "rank",
        "opened_at",
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
    Index(
        "deviations_by_cause",
        "cause",
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
)
"""What fails on a device, one row per opening: told by its agent (`source` agent) or seen from here (`source` central).

`rank` orders severities, 0 is critical. The columns of handling stay what they are when the device tells more.
"""

servers = Table(
    "servers",
    metadata,
    _text("device", key=True),
    _text("key", key=True),
    _text("identity"),
    _text("what"),
    _text("name"),
    _text("client"),
    _text("user", default=None),
    _text("transport"),
    _text("version"),
    _text("verdict"),
    Column("facts", Json, nullable=False),
    _at("first_seen", nullable=False),
    _at("told_at", nullable=False),
    _at("gone_at"),
    Index("servers_by_identity", "identity"),
    Index("servers_in_use", "identity", "verdict", "device"),
    Index("servers_by_first_seen", "first_seen"),
)
"""The inventory: one row per configured server of a device; `gone_at` where it is no longer configured."""

server_sums = Table(
    "server_sums",
    metadata,
    _text("identity", key=True),
    _text("what"),
    _text("folded"),
    *(Column(name, BigInteger, nullable=False) for name in ("devices", "users", "allowed", "blocked", "undetermined")),
    *(Column(name, Json, nullable=False) for name in ("versions", "clients", "names")),
    _at("first_seen", nullable=False),
    _text("first_device"),
)
"""One row per server that is configured anywhere now: on how many devices, of how many people, with which verdict on how many.

`folded` is what is searched in. The survey keeps it (`central.store.summing`).
"""

standings = Table("standings", metadata, _text("device", key=True), _at("at", key=True), _text("state"), _text("why"))
"""How a device stood, and since when: a row for each time that its state changed."""

known_servers = Table(
    "known_servers",
    metadata,
    _text("identity", key=True),
    _text("what"),
    _text("device"),
    _at("first_seen", nullable=False),
    Index("known_servers_by_device", "device", "first_seen"),
)
"""Every server that was ever configured anywhere, and where first."""

policies = Table(
    "policies",
    metadata,
    _text("digest", key=True),
    Column("facts", Json, nullable=False),
    _at("first_seen", nullable=False),
)
"""What each policy digest stands for."""

feed = Table(
    "feed",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("day", Integer, primary_key=True, autoincrement=False),
    _text("device"),
    Column("line", Text, nullable=False),
    _at("at"),
    postgresql_partition_by="RANGE (day)",
)
"""The alerts as OCSF events in the order in which they were committed; positions have no gap. `at` is when they were stored."""

counters = Table("counters", metadata, _text("name", key=True), Column("value", BigInteger, nullable=False))
"""Numbers that are counted up: `feed` is the last position given; `refused:CODE` and `dropped:CODE` what was not taken."""

facts = Table(
    "facts", metadata, _text("name", key=True), Column("value", Json, nullable=False), _at("at", nullable=False)
)
"""What was worked out about the fleet as a whole, and settings that people make in the pages."""

tasks = Table("tasks", metadata, _text("name", key=True), _at("due_at", nullable=False), _text("holder"))
"""Work that any copy of the program may do, and when it is due next."""

exceptions = Table(
    "exceptions",
    metadata,
    _text("id", key=True),
    _text("device"),
    _text("cause"),
    _text("control"),
    _text("label"),
    _text("reason"),
    _text("made_by"),
    _at("made_at", nullable=False),
    _at("expires_at", nullable=False),
    _at("ended_at"),
    _text("ended_by"),
)
"""What is suppressed: a cause on one device, or (empty `device`) on all. Never deleted."""

notes = Table(
    "notes",
    metadata,
    _text("device", key=True),
    _text("uid", key=True),
    _at("opened_at", key=True),
    _text("id", key=True),
    _at("at", nullable=False),
    _text("author"),
    _text("text"),
)
"""Comments on a deviation."""

audit = Table(
    "audit",
    metadata,
    _text("id", key=True),
    _at("at", nullable=False),
    _text("actor"),
    _text("action"),
    _text("subject"),
    Column("detail", Json, nullable=False),
    Index("audit_by_time", "at"),
)
"""Every change by a person or a token; rows are only ever added."""

tokens = Table(
    "tokens",
    metadata,
    _text("name", key=True),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("scopes", Json, nullable=False),
    _at("made_at", nullable=False),
    _text("made_by"),
    _at("expires_at"),
    _at("revoked_at"),
    _at("used_at"),
)
"""Tokens of other programs, hashed."""

cursors = Table(
    "cursors",
    metadata,
    _text("destination", key=True),
    Column("position", BigInteger, nullable=False),
    _text("holder"),
    _at("held_until", nullable=False),
    Column("claimed", BigInteger),
    Column("set_aside", Integer, nullable=False, server_default="0"),
    _text("problem"),
    _at("accepted_at"),
    _at("problem_at"),
)
"""How far each destination has taken the feed, and which copy of the program carries it now, up to where: `claimed`.

`set_aside` counts alerts that the destination will never take; `problem` is what hinders now, since `problem_at`; empty where
nothing does.
"""

set_asides = Table(
    "set_asides",
    metadata,
    _text("destination", key=True),
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("alerts", BigInteger, nullable=False),
    _at("at", nullable=False),
    _text("reason"),
    Column("again", Boolean, nullable=False, server_default=text("false")),
)
"""Which alerts, by their positions in the feed, a destination went on without, and why; `again`: they are to be sent again."""

tallies = Table("tallies", metadata, _at("at", key=True), Column("states", Json, nullable=False))
"""How many devices were in which state, now and then."""

PARTITIONED = (events, feed)

SEARCH_INDEXES = frozenset({"devices_by_hostname", "devices_by_serial", "servers_by_user"})
"""Indexes over folded texts, which a migration makes: their collation is called otherwise in each database."""

people = Table(
    "people",
    metadata,
    _text("name", key=True),
    _text("role"),
    _text("password", default=None),
    Column("subject", Text, unique=True),
    _at("made_at", nullable=False),
    _text("made_by"),
    _at("ended_at"),
    _at("signed_in_at"),
)
"""Who may sign in: `password` as Argon2 writes it, or `subject`, by which an identity provider knows them."""

sessions = Table(
    "sessions",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    _text("person"),
    _at("made_at", nullable=False),
    _at("seen_at", nullable=False),
    Index("sessions_by_person", "person"),
)
"""Who is signed in: SHA-256 of what the browser holds."""

links = Table(
    "links",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    _text("person"),
    _at("expires_at", nullable=False),
)
"""Links that sign a person in once, hashed; a link that was used is gone."""

attempts = Table(
    "attempts",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("times", Json, nullable=False),
    _at("ends_at", nullable=False),
)
"""When somebody tried to sign in, by SHA-256 of what it was tried as; forgotten once the newest no longer counts."""

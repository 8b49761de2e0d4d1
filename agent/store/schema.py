"""The tables, and what marks the file as ours."""

APPLICATION_ID = 0x4D435043
"""Marks the file as ours (`MCPC`); anything else is never written to."""

SCHEMA_VERSION = 1
"""Raised with every change of a table; a file with a higher one was written by a newer program."""

STATEMENTS = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID",
    """CREATE TABLE deviations (
        id INTEGER PRIMARY KEY,
        control TEXT NOT NULL,
        subject TEXT NOT NULL,
        deviation TEXT NOT NULL,
        first_seen REAL NOT NULL,
        last_seen REAL NOT NULL,
        closed_at REAL,
        again INTEGER NOT NULL)""",
    "CREATE UNIQUE INDEX one_open_per_key ON deviations (control, subject) WHERE closed_at IS NULL",
    "CREATE INDEX deviations_by_key ON deviations (control, subject)",
    "CREATE INDEX deviations_by_end ON deviations (closed_at)",
    """CREATE TABLE outbox (
        sequence INTEGER PRIMARY KEY,
        event TEXT NOT NULL,
        priority INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        created REAL NOT NULL)""",
    "CREATE INDEX outbox_by_priority ON outbox (priority, sequence, bytes)",
    "CREATE TABLE cursors (sink TEXT PRIMARY KEY, acked INTEGER NOT NULL, claimed INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TABLE set_aside (
        id INTEGER PRIMARY KEY,
        sink TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        event TEXT NOT NULL,
        priority INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        reason TEXT NOT NULL,
        at REAL NOT NULL,
        again INTEGER NOT NULL DEFAULT 0,
        UNIQUE (sink, sequence))""",
    "CREATE INDEX set_aside_by_priority ON set_aside (priority, sequence, bytes)",
    "CREATE TABLE drops (reason TEXT PRIMARY KEY, events INTEGER NOT NULL, at REAL NOT NULL) WITHOUT ROWID",
)

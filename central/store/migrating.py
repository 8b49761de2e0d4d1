"""Migrations: brings the database to this program's schema, and keeps the partitions of the days to come ready.

Copies of the program that start together take turns. A database that is newer than the program is left alone, with a refusal.
"""

import contextlib
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from agent.core.refusal import CannotStart
from central.store.engine import alone, writing

_LOCK = 0x4D435043
_SCRIPTS = Path(__file__).parent / "migrations"


def migrate(engine: Engine) -> None:
    """Bring the database to the newest schema.

    Raises:
        CannotStart: a newer program made the database.
    """
    with writing(engine) as connection:
        alone(connection, _LOCK)
        settings = _settings(connection)
        known = {script.revision for script in ScriptDirectory.from_config(settings).walk_revisions()}
        found = MigrationContext.configure(connection).get_current_revision()
        if found is not None and found not in known:
            raise CannotStart(f"the database has the schema {found}, which a newer program made: run that one")
        command.upgrade(settings, "head")


def _settings(connection: Connection) -> Config:
    settings = Config()
    settings.set_main_option("script_location", str(_SCRIPTS))
    settings.attributes["connection"] = connection
    return settings


def revision(engine: Engine) -> str | None:
    """Return the schema's revision, None where there is none."""
    with contextlib.closing(engine.connect()) as connection:
        return MigrationContext.configure(connection).get_current_revision()

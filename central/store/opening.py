"""Opens the database of the settings; the migrations are loaded where its schema is not this program's."""

from pathlib import Path

from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from agent.core.refusal import CannotStart
from central.store.engine import engine_of, reading

NEWEST = "0013"
"""The revision of this program's schema: that of the newest file in `central/store/migrations/versions`."""


def database(url: str, folder: Path | None = None) -> Engine:
    """Open the database at `url` and bring it to this program's schema; `folder` is made for it where one is given.

    Raises:
        CannotStart: it cannot be used.
    """
    try:
        if folder is not None:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        engine = engine_of(url)
        if _revision(engine) != NEWEST:
            from central.store.migrating import migrate  # noqa: PLC0415 - Alembic takes as long as all else a verb needs

            migrate(engine)
    except (SQLAlchemyError, OSError, ValueError) as error:
        raise CannotStart(f"the database cannot be used: {_why(error)}") from None
    return engine


def _revision(engine: Engine) -> str | None:
    """Return the schema's revision, None where there is none."""
    with reading(engine) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _why(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return str(cause).splitlines()[0] if str(cause) else type(cause).__name__

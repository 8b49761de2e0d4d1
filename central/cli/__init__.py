"""The command line `mcp-compliance-central`: a module per verb."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from central.app import database
from central.config import Settings

BY = "command line"
"""Who changed something, for the audit log, where it was changed from here."""


@contextmanager
def opened(settings: Settings) -> Iterator[Engine]:
    """Give the database of the settings, with this program's schema, for as long as a verb needs it.

    Raises:
        CannotStart: it cannot be used.
    """
    engine = database(settings)
    try:
        yield engine
    finally:
        engine.dispose()

"""Alembic's environment: the connection comes from `central.store.migrating`."""

from alembic import context

from central.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()

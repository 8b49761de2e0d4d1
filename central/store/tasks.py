"""Work that any copy of the program may do: each task has a time at which it is due, and whoever moves that time on does it.

There is no leader. A copy that ends in the middle leaves nothing half done, as each step commits by itself; the task is due
again.
"""

from sqlalchemy import Connection, update

from central.store.engine import upsert
from central.store.schema import tasks


def claim(connection: Connection, name: str, holder: str, now: float, again_s: float) -> bool:
    """Say whether the task `name` is due and was not claimed by another copy; it is due again in `again_s`."""
    upsert(connection, tasks, [{"name": name, "due_at": now, "holder": ""}])
    moved = update(tasks).where(tasks.c.name == name, tasks.c.due_at <= now).values(due_at=now + again_s, holder=holder)
    return connection.execute(moved).rowcount == 1

"""The audit log: one row for each change by a person or a token, in the transaction of the change. Rows are only ever added."""

import secrets
import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert

from central.store.schema import audit


def record(
    connection: Connection, actor: str, action: str, subject: str, at: float, detail: Mapping[str, Any] | None = None
) -> None:
    """Write that `actor` did `action` to `subject` at `at` (Unix seconds). `detail` must hold no secret.

    Ids sort as they were written.
    """
    row = {
        "id": f"{time.time_ns():016x}{secrets.token_hex(8)}",
        "at": at,
        "actor": actor,
        "action": action,
        "subject": subject,
    }
    connection.execute(insert(audit), {**row, "detail": dict(detail or {})})

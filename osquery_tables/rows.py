"""What a query gets: the rows of one table, from the daemon's last word through its one reader.

A missing, stale or broken status gives empty tables, and in `mcp_agent` a row that says why: nothing is never "fine".
"""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agent.core.tables import AGENT, Row, Table, Value, silent_row
from agent.status.document import Fresh, Silent, read

_KEPT_S = 1.0
"""A join asks for a table once per row of another: the document is read once for all of them."""

Wanted = Mapping[str, Collection[str]]
"""For some columns the values that a query asks for, as texts; a row with any of them may be wanted."""


@dataclass(eq=False)
class Status:
    """The status document in `folder`, read at most once a second."""

    folder: Path
    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    _word: Fresh | Silent | None = field(default=None, init=False)
    _read_at: float = field(default=0.0, init=False)

    def rows(self, table: Table, wanted: Wanted) -> list[Row]:
        """Return the rows of `table` that have one of the `wanted` values in each column that is named there."""
        word = self._latest()
        if isinstance(word, Fresh):
            found = table.rows(word.document)
        else:
            found = [silent_row(word.text, word.document)] if table is AGENT else []
        return [row for row in found if all(text(row.get(name)) in values for name, values in wanted.items())]

    def _latest(self) -> Fresh | Silent:
        at = self.monotonic()
        if self._word is None or at - self._read_at >= _KEPT_S:
            self._word, self._read_at = read(self.folder, self.now()), at
        return self._word


def text(value: Value) -> str | None:
    """Return `value` as osquery transports it: a text, None for NULL."""
    return None if value is None else str(value)

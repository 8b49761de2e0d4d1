"""What is done with a user's file, from its bytes to everything that is said of it; the fuzzer and the named tests both do it."""

import json

from agent.catalog.entries import Origin
from agent.catalog.rows import ClientRow, FileRow, catalog
from agent.core.assess.secrets import secret_deviations
from agent.core.launchers import launch
from agent.core.redaction import redact_command, redact_url
from agent.core.server import Server, ServerScope
from agent.host.database_logs import with_journal, with_log
from agent.sources.asking import file_read
from agent.sources.gathering import FileRead
from tests.golden.samples import content

FILES: tuple[tuple[ClientRow, FileRow], ...] = tuple(
    {
        (file.format, file.shape, file.pointer, file.query, file.wrap, file.projects): (row, file)
        for row in catalog().rows
        for file in row.file
        if file.shape is not None
    }.values()
)
"""One file of the catalog for every way in which files are read."""


def read_all(number: int, raw: bytes) -> FileRead:
    """Read `raw` as the file `number`, and say everything of it that would be said."""
    row, file = FILES[number % len(FILES)]
    origin = Origin("linux", row.id, "ann", ServerScope.USER, "/home/ann/f", off=row.off)
    found = file_read(raw, file, origin)
    if file.query is not None:  # what a program left in the logs beside its database
        whole = content(file)
        for put in (with_log, with_journal):
            file_read(put(whole, raw), file, origin)
            file_read(put(raw, raw), file, origin)
    for server in found.servers.servers:
        _say(server)
    json.dumps([problem.text for problem in found.servers.problems])
    return found


def _say(server: Server) -> None:
    json.dumps([server.key, server.name])
    launch(server.command or ())
    redact_command(server.command or ())
    redact_url(server.url or "")
    list(secret_deviations([server]))

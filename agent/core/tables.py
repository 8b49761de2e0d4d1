"""The status document as tables: what osquery shows, through the extension or from the SQLite file.

Each table is data: its columns say where in the document their value stands. A value that is not there is NULL, a list is
JSON text, a truth is 1 or 0. Names are stable; columns may be added. No column is called `path`: osquery keeps that name for
itself in tables that it makes from a SQLite file (osquery, plugins/config/parsers/auto_constructed_tables.cpp).

Rows are made of a plain document, as the one reader returns it: a document of another version gives NULLs, never an exception.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Value = str | int | float | None
Row = Mapping[str, Value]
Document = Mapping[str, Any]
Type = Literal["TEXT", "INTEGER", "BIGINT", "DOUBLE"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `at` is the dotted place of its value in an item of the document, the column's own name where it is empty.

    `filters`: a query that asks for one value of it gets only those rows.
    """

    name: str
    description: str
    at: str = ""
    type: Type = "TEXT"
    filters: bool = False

    def of(self, item: Mapping[str, Any]) -> Value:
        """Return this column's value in `item`."""
        value: Any = item
        for part in (self.at or self.name).split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return _scalar(value, self.type)


@dataclass(frozen=True, slots=True)
class Table:
    """One table; `items` finds in the document what becomes its rows."""

    name: str
    description: str
    columns: tuple[Column, ...]
    items: Callable[[Document], Iterable[Mapping[str, Any]]]

    def rows(self, document: Document) -> list[Row]:
        """Return the rows that `document` gives."""
        return [{column.name: column.of(item) for column in self.columns} for item in self.items(document)]


def _scalar(value: Any, kind: Type) -> Value:  # noqa: ANN401 - whatever JSON stands there
    if kind == "TEXT":
        if value is None or isinstance(value, str):
            return value
        return json.dumps(value, ensure_ascii=False)
    if not isinstance(value, int | float):
        return None
    return float(value) if kind == "DOUBLE" else int(value)


def _part(name: str) -> Callable[[Document], Iterable[Mapping[str, Any]]]:
    return lambda document: _items(_check(document).get(name))


def _items(rows: object) -> list[Mapping[str, Any]]:
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list | tuple) else []


def _check(document: Document) -> Mapping[str, Any]:
    check = document.get("check")
    return check if isinstance(check, Mapping) else {}


def _servers(document: Document) -> Iterable[Mapping[str, Any]]:
    for row in _part("servers")(document):
        yield {**row, "state": "running" if row.get("running") else "configured"}


def _policy(document: Document) -> Iterable[Mapping[str, Any]]:
    policy = _check(document).get("policy")
    if not isinstance(policy, Mapping):
        return
    whole = {
        f"policy_{name}": policy.get(name) for name in ("state", "exclusive", "locked", "digest", "client_version")
    }
    yield {**whole, "kind": "policy", "problems": policy.get("problems")}
    for row in _items(policy.get("sources")):
        yield {**whole, **row, "kind": "source", "source_kind": row.get("kind"), "source": row.get("path")}
    for kind in ("allow", "deny"):
        for row in _items(policy.get(kind)):
            yield {**whole, **row, "kind": kind}


def _agent(document: Document) -> Iterable[Mapping[str, Any]]:
    health = [row.get("code") for row in _items(document.get("health"))]
    pending = [row.get("pending") for row in _items(document.get("delivery"))]
    waiting = sum(number for number in pending if isinstance(number, int))
    yield {**document, "waiting": waiting, "health": health, "state": "fresh"}


def _user(text: str) -> Column:
    return Column("username", text, at="user", filters=True)


_CLIENT = Column("client", "the MCP client, by its id in the catalog", filters=True)
_VERDICT = Column("verdict", "what the policy says: allowed, blocked or undetermined", filters=True)
_REASON = (
    Column("reason_code", "why, as a stable code", at="reason.code"),
    Column("reason", "why, as a sentence", at="reason.text"),
)

SERVERS = Table(
    "mcp_servers",
    "MCP servers that are configured on this device, with the policy's verdict.",
    (
        Column("key", "stable id of this configured server on this device", filters=True),
        _CLIENT,
        _user("the user whose configuration it is; NULL where it holds for all"),
        Column("project", "the project folder it is limited to"),
        Column("scope", "where in the client's order of configuration it stands: user, project, local, plugin ..."),
        Column("name", "the name that its user chose; it proves nothing"),
        Column("state", "running or configured", filters=True),
        Column("source_path", "the file that configures it", at="source.path"),
        Column("source_pointer", "the JSON pointer in that file", at="source.pointer"),
        Column("source_line", "the line in that file", at="source.line", type="INTEGER"),
        Column("transport", "stdio, http, sse, ws, sdk or unknown", filters=True),
        Column("command", "command and arguments as a JSON array, redacted"),
        Column("url", "the address of a remote server, redacted"),
        _VERDICT,
        *_REASON,
        Column("entry", "the policy entry that decided", at="reason.entry"),
        Column("loads", "1 if the client would really load it, 0 if not, NULL if that cannot be known", type="INTEGER"),
        Column("enforced_by_client", "1 if its client enforces the policy itself", type="INTEGER"),
        Column("pids", "its processes as a JSON array", at="running"),
        Column("artifact", "what really runs, as a JSON object: package, version, file, digest, owner"),
    ),
    _servers,
)

PROCESSES = Table(
    "mcp_processes",
    "Stdio MCP servers that run, one row for each tree of launchers.",
    (
        Column("pid", "the topmost process of the launcher chain", type="BIGINT", filters=True),
        Column("create_time", "Unix time at which it started", type="DOUBLE"),
        _user("the user it runs as"),
        _CLIENT,
        Column("command", "command and arguments as a JSON array, redacted"),
        Column("server_key", "mcp_servers.key of the configured server that this is", at="matches", filters=True),
        _VERDICT,
        *_REASON,
        Column("confidence", "how sure it is that this is an MCP server: high, medium or low", filters=True),
        Column("evidence", "what was seen, as a JSON array of {kind, text}"),
        Column("pids", "every process of the chain as a JSON array"),
        Column("artifact", "what really runs, as a JSON object: package, version, file, digest, owner"),
        Column(
            "notes",
            "that it outlives its client or its own file, restarts in a loop or listens on a TCP port: a JSON array of sentences",
        ),
    ),
    _part("processes"),
)

POLICY = Table(
    "mcp_policy",
    "The policy that binds on this device: one row for the whole, one for each source and each allow and deny entry.",
    (
        Column("kind", "policy, source, allow or deny", filters=True),
        Column("entry", "the allow or deny entry"),
        Column("source", "the file or store it comes from"),
        Column("source_kind", "the kind of a source"),
        Column("state", "what came of reading a source"),
        Column("selected", "1 for a source that counts", type="INTEGER"),
        Column("problems", "what is wrong with it, as a JSON array of sentences"),
        Column("policy_state", "effective, none, refused or indeterminate"),
        Column("policy_exclusive", "1 if only the servers of managed-mcp.json load", type="INTEGER"),
        Column("policy_locked", "1 if users cannot widen the allowlist", type="INTEGER"),
        Column("policy_digest", "SHA-256 over the effective rules: equal digests mean equal policy"),
        Column("policy_client_version", "the Claude Code version whose rules were applied"),
    ),
    _policy,
)

MANAGED_FILES = Table(
    "mcp_managed_files",
    "The managed files and whether they can be relied on.",
    (
        Column("file_path", "where it is", at="path", filters=True),
        Column("role", "which managed file it is"),
        Column(
            "state",
            "intact, modified, missing, unreadable, malformed, exposed, misplaced, unexpected or unverified",
            filters=True,
        ),
        Column("sha256", "digest of its bytes"),
        Column("owner", "who owns it"),
        Column("mode", "its permissions"),
        Column("problems", "what is wrong with it, as a JSON array of sentences"),
    ),
    _part("managed_files"),
)

DEVIATIONS = Table(
    "mcp_deviations",
    "What deviates from the policy now.",
    (
        Column("control", "the control that fails, such as server.unapproved.running", filters=True),
        Column("severity", "critical, high, medium, low or info", filters=True),
        _user("the user it concerns; NULL where it concerns the device"),
        Column("subject", "what it is about"),
        Column("title", "the control in a few words"),
        Column("text", "what deviates, and why"),
        Column("remediation", "what to do"),
        Column("since", "Unix time at which it opened", type="BIGINT"),
        Column("uid", "stable id on this device, as in the reports"),
        Column("evidence", "what was seen, as a JSON array of {kind, text}"),
        Column("owasp", "ids of the OWASP MCP Top 10, as a JSON array", at="ids.owasp"),
        Column("atlas", "ids of MITRE ATLAS, as a JSON array", at="ids.atlas"),
        Column("attack", "ids of MITRE ATT&CK, as a JSON array", at="ids.attack"),
    ),
    _part("deviations"),
)

COVERAGE = Table(
    "mcp_coverage",
    "What could and could not be looked at. What could not be looked at is not known to be clean.",
    (
        Column("scope", "the place"),
        _user("whose place it is"),
        _CLIENT,
        Column("state", "complete, absent, unreadable, malformed, skipped or timed-out", filters=True),
        Column("problem", "why it could not be looked at"),
    ),
    _part("coverage"),
)

AGENT = Table(
    "mcp_agent",
    "The agent itself: always one row, also where it is silent; then the device's state is unknown and `why` says what to do.",
    (
        Column("state", "fresh, or silent: then all other tables are empty", filters=True),
        Column("why", "how the device stands, or why nothing is known, in one sentence", at="check.summary.why"),
        Column("device_state", "compliant, deviating or unknown", at="check.summary.state"),
        Column(
            "device_since", "Unix time since which the device's state is what it is", at="state_since", type="BIGINT"
        ),
        Column("device_id", "this installation, as in the reports", at="check.device.id"),
        Column("hostname", "name of the device", at="check.device.hostname"),
        Column("version", "version of the agent", at="check.device.agent_version"),
        Column("written_at", "Unix time of its last word", type="BIGINT"),
        Column("stale_after_s", "seconds after which that word no longer counts", type="INTEGER"),
        Column("started_at", "Unix time at which it started", type="BIGINT"),
        Column("pid", "its process", type="BIGINT"),
        Column("health", "codes of its health conditions that hold now, as a JSON array"),
        Column("process_events", "what tells it of starting processes; empty where the table is only swept"),
        Column("on_battery", "1 while the machine runs on its battery, and what can wait waits longer", type="INTEGER"),
        Column("waiting", "reports that a destination has yet to take", type="INTEGER"),
    ),
    _agent,
)

TABLES = (SERVERS, PROCESSES, POLICY, MANAGED_FILES, DEVIATIONS, COVERAGE, AGENT)
"""Every table. All but `mcp_agent` are empty while the agent is silent."""


def silent_row(why: str, document: Document | None) -> Row:
    """Return the row of `mcp_agent` while there is no word that counts; `document` is the stale one, where there is one."""
    stale = AGENT.rows(document)[0] if document is not None else dict.fromkeys(column.name for column in AGENT.columns)
    return {**stale, "state": "silent", "why": why, "device_state": "unknown", "device_since": None}

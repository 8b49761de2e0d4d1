"""Status documents to order."""

from dataclasses import replace

from agent.core.control import CONTROLS
from agent.core.documents import (
    CheckDocument,
    ConditionRow,
    CoverageRow,
    DeliveryRow,
    DeviationRow,
    DeviceRow,
    DeviceState,
    EvidenceRow,
    IdsRow,
    PlaceRow,
    PolicyRow,
    ReasonRow,
    ServerRow,
    StatusDocument,
    SummaryRow,
)
from agent.core.observation import CoverageState
from agent.core.server import ServerScope, Transport
from agent.core.verdict import Answer

SECRET = "ann-secret-project"
DEVICE = DeviceRow("device-1", "laptop-7", "linux", "Debian 12", "0.1.0", "/")
POLICY = PolicyRow("effective", (), exclusive=False, locked=True, allow=(), deny=(), client_version=None, digest="d1")


def deviation(control: str, user: str | None = "ann", since: float = 900.0) -> DeviationRow:
    known = CONTROLS[control]
    return DeviationRow(
        control=control,
        severity=known.severity,
        subject=f"{user}: npx {SECRET}",
        title=known.title,
        text=f"runs npx {SECRET}",
        remediation=f"Stop npx {SECRET}.",
        evidence=(EvidenceRow("command", f"npx {SECRET}"),),
        ids=IdsRow(),
        uid=f"{control}-{user}",
        user=user,
        since=since,
    )


COUNTED = ("servers", "running", "deviations", "scopes", "scopes_not_readable")


def server(user: str | None = "ann") -> ServerRow:
    return ServerRow(
        key=f"cursor:{user}",
        client="cursor",
        user=user,
        project=None,
        scope=ServerScope.USER,
        name=SECRET,
        source=PlaceRow(f"/home/{user}/.cursor/mcp.json", "/mcpServers/x"),
        transport=Transport.STDIO,
        command=("npx", SECRET),
        url=None,
        verdict=Answer.BLOCKED,
        loads=True,
        reason=ReasonRow("no-match", "No allow entry matches it."),
        enforced_by_client=False,
    )


def status(state: DeviceState = "deviating", *deviations: DeviationRow, written_at: float = 990.0) -> StatusDocument:
    coverage = (CoverageRow("config/ann", "ann", "cursor", CoverageState.COMPLETE),)
    why = f"This device is {state}: npx {SECRET}."
    summary = SummaryRow(state, dict(zip(COUNTED, (2, 0, len(deviations), 1, 0), strict=True)), why)
    check = CheckDocument(DEVICE, POLICY, (server("ann"), server("bob")), (), (), deviations, coverage, summary)
    delivery = (DeliveryRow("https", 3, 980.0, None), DeliveryRow("jsonl", 0, 989.0, None))
    return StatusDocument(written_at, 300.0, 100.0, 1, check, (), delivery, state_since=900.0)


def with_trouble(document: StatusDocument) -> StatusDocument:
    rows = (replace(document.delivery[0], problem="reports.example.com: connection refused"), document.delivery[1])
    condition = ConditionRow("journal.failing", CONTROLS["managed-file.exposed"].severity, f"npx {SECRET}", 950.0)
    return replace(document, delivery=rows, health=(condition,))

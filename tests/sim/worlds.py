"""Worlds for judgement, made by hand: one user, the managed settings, servers in one file of a client, a running server."""

import json

from agent.core.assess import Assessment, Terms, assess
from agent.core.observation import (
    ConfigLook,
    Coverage,
    CoverageState,
    Document,
    DocumentKind,
    ManagedLook,
    Process,
    ProcessLook,
    Scope,
)
from agent.core.place import Data, Facts, Missing, Place, User
from agent.core.recognition import ClientMarks
from agent.core.server import Server, ServerScope, Transport
from agent.core.world import World

ANN = User("ann", "/home/ann", 1000, frozenset({1000}))
TERMS = Terms(
    enforcing=frozenset({"claude-code"}),
    marks=(
        ClientMarks("claude-code", frozenset({"claude"}), variables=frozenset({"CLAUDECODE"})),
        ClientMarks("cursor", frozenset({"cursor"})),
    ),
)
FOLDER = "/etc/claude-code"
APPROVED = {"serverCommand": ["npx", "-y", "approved@1.0.0"]}
LOCKED = {"allowedMcpServers": [APPROVED], "allowManagedMcpServersOnly": True}


def facts(path: str, kind: str = "file", mode: int = 0o644, uid: int = 0) -> Facts:
    return Facts(path, kind, mode, uid)  # type: ignore[arg-type]


def managed(settings: object | None, *, mode: int = 0o644) -> ManagedLook:
    path = f"{FOLDER}/managed-settings.json"
    way = (facts("/", "folder", 0o755), facts("/etc", "folder", 0o755), facts(FOLDER, "folder", 0o755))
    raw = settings.encode() if isinstance(settings, str) else json.dumps(settings).encode()
    content = Missing(way) if settings is None else Data(raw, (*way, facts(path, mode=mode)))
    document = Document(DocumentKind.MANAGED_SETTINGS, path, content)
    return ManagedLook(FOLDER, (document,), coverage=(Coverage(Scope("managed"), CoverageState.COMPLETE),))


def server(name: str, *command: str, client: str = "claude-code") -> Server:
    return Server(
        client=client,
        user="ann",
        scope=ServerScope.USER,
        name=name,
        place=Place(f"/home/ann/.{client}.json", f"/mcpServers/{name}"),
        transport=Transport.STDIO,
        command=command,
    )


def configs(*servers: Server, state: CoverageState = CoverageState.COMPLETE) -> tuple[ConfigLook, ...]:
    clients = {item.client for item in servers} or {"claude-code"}
    coverage = tuple(
        Coverage(Scope("config", "ann", c, f"/home/ann/.{c}.json"), state, "because") for c in sorted(clients)
    )
    return (ConfigLook(ANN, servers, coverage=coverage),)


def running(client: str, *command: str) -> ProcessLook:
    host = Process(10, 1.0, 1, client, "ann", f"/usr/bin/{client}", (client,), wires={5: "pipe:1", 6: "pipe:2"})
    child = Process(11, 2.0, 10, command[0], "ann", f"/usr/bin/{command[0]}", command, wires={0: "pipe:1", 1: "pipe:2"})
    return ProcessLook((host, child), coverage=(Coverage(Scope("process"), CoverageState.COMPLETE),))


QUIET = ProcessLook(coverage=(Coverage(Scope("process"), CoverageState.COMPLETE),))


def judged(
    settings: object | None, *servers: Server, processes: ProcessLook = QUIET, terms: Terms = TERMS
) -> Assessment:
    return assess(World(configs(*servers), managed(settings), processes), terms)[0]


def controls(assessment: Assessment) -> set[str]:
    return {key.control for key in assessment.findings.present}

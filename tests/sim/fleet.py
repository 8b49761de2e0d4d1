"""A small company with central: devices that are fine, that deviate, that fell silent; told by the agent's own encoders.

Everything happened shortly before `now`, so that pages show it as they would be seen on a working day.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine, insert, update

from agent.core.deviation import Deviation, Evidence, Findings, Key, Severity
from agent.core.documents import PlaceRow, ReasonRow, ServerRow
from agent.core.server import ServerScope, Transport
from agent.core.verdict import Answer
from central.store.engine import writing
from central.store.schema import devices, tallies
from tests.sim.central import Receiver
from tests.sim.deviations import KINDS
from tests.sim.reporter import Reporter

_HOUR, _DAY = 3_600.0, 86_400.0
TIME = ("uvx", "mcp-server-time@2026.1.1")
THING = ("npx", "-y", "mcp-crypto-helper")
SHELL = ("node", "/home/{user}/projects/secret-merger/shell-mcp.js")
WIKI = "https://mcp.wiki.example.com/mcp"
ALLOW = ('{"serverCommand":["uvx","mcp-server-time@2026.1.1"]}', f'{{"serverUrl":"{WIKI}"}}')
DIGEST = "d1" * 32
FINE = "Nothing deviates on this device."
PEOPLE = ("ann", "ben", "cem", "dora", "eva", "finn", "gus", "hana")


def server(
    user: str, what: tuple[str, ...] | str, verdict: Answer, client: str = "claude-code", name: str = ""
) -> ServerRow:
    command = tuple(part.format(user=user) for part in what) if isinstance(what, tuple) else None
    said = {
        Answer.ALLOWED: "An allow entry matches.",
        Answer.BLOCKED: "No serverCommand entry of the allow list matches this command and arguments, each exactly.",
    }
    return ServerRow(
        key=f"{client}:{user}:user:{name or what}",
        client=client,
        user=user,
        project=None,
        scope=ServerScope.USER,
        name=name or "tool",
        source=PlaceRow(f"/home/{user}/.claude.json", f"/mcpServers/{name or 'tool'}"),
        transport=Transport.HTTP if command is None else Transport.STDIO,
        command=command,
        url=None if command is not None else str(what),
        verdict=verdict,
        loads=verdict is Answer.ALLOWED,
        reason=ReasonRow("rule", said.get(verdict, "It depends on the environment.")),
        enforced_by_client=client == "claude-code",
    )


def running(user: str, command: Sequence[str]) -> Deviation:
    text = " ".join(command)
    return Deviation(
        key=Key("server.unapproved.running", f"{user}: {text}"),
        severity=Severity.HIGH,
        label=text,
        title="A running server matches no approved entry",
        text=f"{text} runs for {user} under Cursor and matches no allow entry.",
        remediation="Have the server reviewed and add it to the allowlist, or stop it and remove what starts it.",
        evidence=(Evidence("command", text), Evidence("file", f"/home/{user}/projects/secret-merger/.cursor/mcp.json")),
        user=user,
        client="cursor",
    )


def modified(path: str = "/etc/claude-code/managed-settings.json") -> Deviation:
    return Deviation(
        key=Key("managed-file.modified", path),
        severity=Severity.CRITICAL,
        label=path,
        title="A managed file was modified",
        text=f"{path} is not the file of the baseline: its SHA-256 is another since 09:12.",
        remediation="Push the managed files again from the MDM.",
        evidence=(Evidence("file", path), Evidence("sha256", "b94d27b9934d3e08…")),
    )


@dataclass(eq=False)
class Fleet:
    """Fills a database. `now` is Unix seconds."""

    engine: Engine
    folder: Path
    now: float
    reporters: dict[str, Reporter] = field(default_factory=dict)
    whys: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.receiver = Receiver(self.engine, now=self.now - 20 * _DAY)

    def device(
        self, hostname: str, user: str, *, serial: str = "", days: float = 20.0, agent: str = "1.4.0"
    ) -> Reporter:
        """Enrol a device that told, `days` ago, that it is fine, of its policy and of one server."""
        reporter = Reporter(self.folder, str(len(self.reporters) + 1), hostname=hostname, agent=agent)
        self.reporters[hostname] = reporter
        self.at(reporter, self.now - days * _DAY)
        self.receiver.admits(reporter)
        reporter.obeys(*ALLOW, digest=DIGEST, sources=["/etc/claude-code/managed-settings.json"])
        reporter.has(server(user, TIME, Answer.ALLOWED, name="time"))
        reporter.beats(digest=DIGEST, why=FINE)
        self.send(reporter)
        with writing(self.engine) as connection:
            where = devices.c.device == reporter.id
            connection.execute(update(devices).where(where).values(serial=serial, os="Linux"))
        return reporter

    def at(self, reporter: Reporter, when: float) -> None:
        """Let the device and central be at a time."""
        reporter.now = when
        self.receiver.now = when

    def send(self, reporter: Reporter) -> None:
        """Take what the device has to tell."""
        self.receiver.takes(reporter.sends())

    def finds(self, reporter: Reporter, *found: Deviation, ago: float) -> None:
        """Let the device find these, `ago` seconds ago, and tell how it stands."""
        self.at(reporter, self.now - ago)
        reporter.finds(Findings(present={one.key: one for one in found}, looked=KINDS))
        why = f"This device deviates: {found[0].text}" if found else FINE
        reporter.beats("deviating" if found else "compliant", digest=DIGEST, why=why)
        self.whys[reporter.id] = why
        self.send(reporter)

    def beats(self, reporter: Reporter, state: str = "compliant", ago: float = 60.0) -> None:
        """Let the device tell how it stands."""
        self.at(reporter, self.now - ago)
        reporter.beats(state, digest=DIGEST, why=self.whys.get(reporter.id, FINE))
        self.send(reporter)


def company(engine: Engine, folder: Path, now: float) -> Fleet:
    """Return a fleet of two dozen devices on an ordinary day."""
    fleet = Fleet(engine, folder, now)
    for number in range(24):
        user = PEOPLE[number % len(PEOPLE)]
        hostname = f"{('fin', 'dev', 'ops')[number % 3]}-laptop-{number + 1:02}"
        reporter = fleet.device(hostname, user, serial=f"C02X{number:04}", agent="1.4.0" if number % 7 else "1.3.2")
        fleet.at(reporter, now - 2 * _DAY)
        own = [server(user, TIME, Answer.ALLOWED, name="time")]
        if number % 2:
            own.append(server(user, WIKI, Answer.ALLOWED, name="wiki"))
        if number % 5 == 1:
            own.append(server(user, THING, Answer.BLOCKED, "cursor", name="helper"))
        if number == 4:
            own.append(server(user, SHELL, Answer.BLOCKED, name="shell"))
        reporter.has(*own)
        if number % 5 == 1:
            fleet.finds(reporter, running(user, THING), ago=5 * _HOUR - number * 300)
        elif number == 4:
            fleet.finds(reporter, modified(), running(user, [part.format(user=user) for part in SHELL]), ago=2 * _HOUR)
        elif number == 10:
            fleet.finds(reporter, running(user, THING), ago=3 * _DAY)
            fleet.finds(reporter, ago=2 * _DAY)
        if number not in (7, 15):  # those fell silent
            fleet.beats(reporter, "deviating" if number % 5 == 1 or number == 4 else "compliant", ago=30 + 20 * number)
    _past(engine, now)
    return fleet


def _past(engine: Engine, now: float) -> None:
    """Write how the fleet stood in the last weeks, as the survey does."""
    rows = []
    for hour in range(7 * 24, 0, -1):
        working = 8 <= (hour * 7 % 24) <= 18
        deviating = 2 + (hour // 20) % 4 + (1 if working else 0)
        unknown = 3 if hour % 24 < 8 else 1
        rows.append(
            {
                "at": now - hour * _HOUR,
                "states": {"compliant": 24 - deviating - unknown, "deviating": deviating, "unknown": unknown},
            }
        )
    with writing(engine) as connection:
        connection.execute(insert(tallies), rows)

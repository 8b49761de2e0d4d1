"""Real clients in sessions start real servers, each by five launchers: the daemon tells of each unapproved one once, of no other.

One laptop, one daemon with the rights of the packaged service and the kernel's own events, one network of loopback alone, all
clients at once. What is approved with one client is not with the next, so every launcher is seen both ways. Claude Code, which
would not start what its policy blocks, has begun its session before the policy came.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import psutil
import pytest

from tests.e2e.daemon import Daemon, as_the_service, reports, told, until, until_reported
from tests.e2e.machine import ANN, PRIVILEGED, Machine
from tests.e2e.policies import MANAGED_SETTINGS, deploy
from tests.e2e.programs import EVERYTHING, TIME, UVX_TIME, Programs, program
from tests.e2e.sessions import CLAUDE_LOG, CLIENTS, FINISHED, LANGUAGE_SERVER, MODEL, Client, Loopback

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not PRIVILEGED, reason="the kernel tells root alone of starting processes: run this as root"),
]

APPROVED: Mapping[str, Sequence[str]] = {
    "npx": EVERYTHING,
    "uvx": UVX_TIME,
    "venv": TIME,
    "shell": ("sh", "-c", " ".join(EVERYTHING)),
    "bridge": (program("mcp-remote"), f"{MODEL}/mcp", "--allow-http"),
}
UNAPPROVED: Mapping[str, Sequence[str]] = {
    "npx": (*EVERYTHING, "stdio"),
    "uvx": (*UVX_TIME[:-1], "Europe/Paris"),
    "venv": (*TIME[:-1], "Europe/Paris"),
    "shell": ("sh", "-c", " ".join((*EVERYTHING, "stdio"))),
    "bridge": (program("mcp-remote"), f"{MODEL}/mcp", "--allow-http", "--debug"),
}
POLICY = {
    "allowManagedMcpServersOnly": True,
    "allowedMcpServers": [{"serverCommand": list(command)} for command in APPROVED.values()],
}
RUNNING = ("server.denied.running", "server.unapproved.running")
HELD = {"git cat-file": len(CLIENTS), "grep mcp-server": len(CLIENTS), "http.server": len(CLIENTS), LANGUAGE_SERVER: 1}
"""What runs beside the servers, at least."""
PROCESSES = {"npx": 3, "uvx": 2, "venv": 1, "shell": 4, "bridge": 1}
STARTED_WITHIN_S = 90.0


def approved(client: Client, launcher: str) -> bool:
    """Half of them, each launcher with two clients."""
    return (CLIENTS.index(client) + list(APPROVED).index(launcher)) % 2 == 0


def servers(client: Client) -> dict[str, Sequence[str]]:
    """Return the servers of one client by a name that no other has."""
    return {
        f"{client.id}-{launcher}": (APPROVED if approved(client, launcher) else UNAPPROVED)[launcher]
        for launcher in APPROVED
    }


NAMES = {f"{client.id}-{launcher}": approved(client, launcher) for client in CLIENTS for launcher in APPROVED}
BLOCKED = [name for name, good in NAMES.items() if not good]


def running(check: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the deviations of servers that run."""
    return [row for row in check["deviations"] if row["control"] in RUNNING]


def until_running(daemon: Daemon, clients: Sequence[Client]) -> None:
    """Wait until every server of these clients runs, with all its processes."""

    def missing() -> Counter[str]:
        check = daemon.check()
        names = {row["key"]: row["name"] for row in check["servers"]}
        rows = {names.get(row["matches"]): row for row in check["processes"]}
        return Counter(
            {
                name: len(rows[name]["pids"]) if name in rows else 0
                for client in clients
                for name in servers(client)
                if name not in rows or len(rows[name]["pids"]) < PROCESSES[name.rpartition("-")[2]]
            }
        )

    until(f"{missing()} to run", lambda: not missing(), STARTED_WITHIN_S)


def others(check: Mapping[str, Any]) -> list[str]:
    """Return the command lines of ann's processes that are no part of a server."""
    members = {pid for row in check["processes"] for pid in row["pids"]}
    found = [process for process in psutil.process_iter(["uids", "cmdline"]) if process.pid not in members]
    return [" ".join(p.info["cmdline"] or ()) for p in found if p.info["uids"] and p.info["uids"].real == ANN]


@dataclass(frozen=True)
class Seen:
    """What the daemon showed while all sessions were held, what it told until all had ended, and what it showed then."""

    events: str
    processes: Sequence[Mapping[str, Any]]
    names: Mapping[str, str]
    deviations: Sequence[Mapping[str, Any]]
    others: Sequence[str]
    told: Mapping[str, Sequence[str]]
    left: Sequence[Mapping[str, Any]]


@pytest.fixture(scope="module")
def seen(programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    with ExitStack() as stack:
        machine = programs.laptop(tmp_path_factory.mktemp("sessions") / "laptop", own_processes=False)
        stack.callback(machine.close)
        yield watch(machine, programs, stack)


def watch(machine: Machine, programs: Programs, stack: ExitStack) -> Seen:
    programs.give_npx_cache(machine)
    programs.give_uv_cache(machine)
    for client in CLIENTS:
        machine.write(client.file, client.write(servers(client)), ANN)
    loopback = Loopback(machine)
    stack.callback(loopback.close)
    daemon = Daemon(machine, online=True, within=as_the_service())
    stack.callback(daemon.kill)
    daemon.until_looked()
    sessions = [loopback.session(client) for client in CLIENTS[:1]]
    stack.callback(sessions[0].kill)
    until_running(daemon, CLIENTS[:1])
    until("Claude Code to be connected with its servers", lambda: connected(machine) >= len(APPROVED), STARTED_WITHIN_S)
    deploy(machine, MANAGED_SETTINGS, POLICY)
    for client in CLIENTS[1:]:
        sessions.append(loopback.session(client))
        stack.callback(sessions[-1].kill)
    until_running(daemon, CLIENTS)
    until("the work of all models", lambda: all(held_of(daemon.check(), what) >= least for what, least in HELD.items()))
    until("a deviation of each unapproved server", lambda: len(running(daemon.check())) >= len(BLOCKED))
    status = daemon.status()
    held, still = status["check"], others(status["check"])
    uids = [row["uid"] for row in running(held)]
    machine.write(FINISHED, "")
    for session in sessions:
        session.end()
    for uid in uids:
        daemon.until_gone(uid)
        until_reported(machine, uid, "opened", "closed")
    left = daemon.check()["processes"]
    assert daemon.stop() == 0
    events = reports(machine)
    return Seen(
        status["process_events"],
        mine(held["processes"]),
        {row["key"]: row["name"] for row in held["servers"]},
        held["deviations"],
        still,
        # On a busy machine a server runs on for a moment after its client, which is news, and so is the script behind a launcher.
        {uid: [word for word in told(events, uid) if word != "updated"] for uid in uids},
        mine(left),
    )


def connected(machine: Machine) -> int:
    """Return how many servers Claude Code is connected with: policy that comes before keeps it from one that is starting."""
    return machine.at(CLAUDE_LOG).read_text().count("Successfully connected")


def held_of(check: Mapping[str, Any], what: str) -> int:
    return sum(what in line for line in others(check))


def mine(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["user"] == "ann"]


def test_the_capabilities_of_the_packaged_service_suffice_for_the_kernel_s_events(seen: Seen) -> None:
    assert seen.events.startswith("process connector")


def test_every_server_is_seen_whole_and_under_its_client(seen: Seen) -> None:
    found = {seen.names[row["matches"]]: (row["client"], len(row["pids"])) for row in seen.processes if row["matches"]}
    assert found == {name: (client_of(name), PROCESSES[name.rpartition("-")[2]]) for name in NAMES}
    assert {row["confidence"] for row in seen.processes} == {"high"}


def test_what_runs_in_the_shells_of_the_clients_and_their_language_servers_are_none(seen: Seen) -> None:
    assert [row["command"] for row in seen.processes if not row["matches"]] == []
    for what, least in HELD.items():
        assert sum(what in line for line in seen.others) >= least, what


def test_each_unapproved_server_is_one_deviation(seen: Seen) -> None:
    found = Counter((row["control"], name) for row in running({"deviations": seen.deviations}) for name in about(row))
    denied, unapproved = RUNNING
    assert found == Counter((denied if client_of(name) == "claude-code" else unapproved, name) for name in BLOCKED)


def test_no_approved_server_is_a_deviation(seen: Seen) -> None:
    assert {name for row in seen.deviations for name in about(row)} == set(BLOCKED)


def test_each_was_told_once_and_closed_when_its_server_stopped(seen: Seen) -> None:
    assert len(seen.told) == len(BLOCKED)
    assert set(map(tuple, seen.told.values())) == {("opened", "closed")}
    assert seen.left == []


def about(row: Mapping[str, Any]) -> list[str]:
    """Return the servers that a deviation is about."""
    return [name for name in NAMES if f"'{name}'" in row["subject"]]


def client_of(name: str) -> str:
    return name.rpartition("-")[0]

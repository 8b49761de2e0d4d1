"""Clients and servers in namespaces of their own are seen from the host, and attributed to their client and user.

bubblewrap, run by root, stands for a container engine: the mount, pid, ipc and uts namespaces are the container's own, as is the
network, which is none but loopback. One server of each client goes into further namespaces below that, for users too.
"""

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from tests.e2e.daemon import Daemon, as_the_service, until
from tests.e2e.machine import ANN, PRIVILEGED, Machine
from tests.e2e.policies import MANAGED_SETTINGS, deploy
from tests.e2e.programs import TIME, Programs
from tests.e2e.sessions import CLIENTS, FINISHED, Loopback

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not PRIVILEGED, reason="the kernel tells root alone of starting processes: run this as root"),
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is missing (Debian: apt install bubblewrap)"),
]

CONTAINED = [client for client in CLIENTS if client.id in ("codex", "gemini-cli")]
"""A host on pipes, and one on socket pairs."""
_APART = ("unshare", "--user", "--map-root-user", "--mount", "--net", "--pid", "--fork", "--kill-child")
SERVERS: Mapping[str, Sequence[str]] = {
    "approved": TIME,
    "blocked": (*TIME[:-1], "Europe/Paris"),
    "deeper": (*_APART, *TIME[:-1], "Europe/Rome"),
}
POLICY = {"allowManagedMcpServersOnly": True, "allowedMcpServers": [{"serverCommand": list(TIME)}]}


@pytest.fixture(scope="module")
def seen(programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Any]]:
    """Return what the daemon shows while the sessions are held in their containers."""
    with ExitStack() as stack:
        machine = programs.laptop(tmp_path_factory.mktemp("containers") / "laptop", own_processes=False)
        stack.callback(machine.close)
        yield watch(machine, stack)


def watch(machine: Machine, stack: ExitStack) -> Mapping[str, Any]:
    for client in CONTAINED:
        servers = {f"{client.id}-{name}": command for name, command in SERVERS.items()}
        machine.write(client.file, client.write(servers), ANN)
    deploy(machine, MANAGED_SETTINGS, POLICY)
    loopback = Loopback(machine)
    stack.callback(loopback.close)
    daemon = Daemon(machine, online=True, within=as_the_service())
    stack.callback(daemon.kill)
    daemon.until_looked()
    sessions = [loopback.session_in_container(client) for client in CONTAINED]
    for session in sessions:
        stack.callback(session.kill)
    until("exactly these servers", lambda: attributed(daemon.check()) == WANTED)
    uids = [daemon.until_open("server.unapproved.running", f"'{name}'")["uid"] for name in BLOCKED]
    held = until("exactly these servers", lambda: check if attributed(check := daemon.check()) == WANTED else None)
    machine.write(FINISHED, "")
    for session in sessions:
        session.end()
    for uid in uids:
        daemon.until_gone(uid)
    assert daemon.stop() == 0
    return held


BLOCKED = [f"{client.id}-{name}" for client in CONTAINED for name in SERVERS if name != "approved"]


WANTED = Counter((client.id, f"{client.id}-{name}") for client in CONTAINED for name in SERVERS)


def attributed(check: Mapping[str, Any]) -> Counter[tuple[str, str | None]]:
    """Return what runs: its client, and the name of its entry."""
    names = {row["key"]: row["name"] for row in check["servers"]}
    return Counter((row["client"], names.get(row["matches"])) for row in mine(check))


def mine(check: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [row for row in check["processes"] if row["user"] == "ann"]


def test_servers_in_containers_are_attributed_to_their_client_and_entry(seen: Mapping[str, Any]) -> None:
    assert attributed(seen) == WANTED


def test_their_wires_are_seen_through_the_namespaces(seen: Mapping[str, Any]) -> None:
    for row in mine(seen):
        assert "wire" in {evidence["kind"] for evidence in row["evidence"]}, row


def test_each_unapproved_one_is_a_deviation_and_no_approved_one_is(seen: Mapping[str, Any]) -> None:
    running = [row["subject"] for row in seen["deviations"] if row["control"] == "server.unapproved.running"]
    assert sorted(name for name in BLOCKED for subject in running if f"'{name}'" in subject) == sorted(BLOCKED)
    assert len(running) == len(BLOCKED)

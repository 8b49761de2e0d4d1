"""Canaries through the whole agent: planted in files, in names and in the arguments of real processes; looked for in all that it
says, sends and keeps."""

import json
import os
import signal
import socket
import ssl
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from tests.canaries.planting import plant
from tests.e2e.daemon import SETTINGS, STATE, Daemon, until
from tests.e2e.machine import ANN, COMMAND, HOME, Machine
from tests.sim.canaries import COMMANDS, STRONG_COMMANDS, Canaries
from tests.sim.collectors import TOKEN, Collector, Elastic, Otlp, Splunk
from tests.sim.endpoint import Endpoint

pytestmark = pytest.mark.e2e

FOLDER = "/etc/mcp-compliance-agent"
STATUS_FORMATS = ("text", "json", "exit", "jamf", "intune", "kandji", "wsone", "munki")
_HOST = """
import json, subprocess, sys
lines = json.load(open(sys.argv[1]))
pipe = subprocess.PIPE
held = [subprocess.Popen([sys.executable, "/home/ann/bin/" + line[0].rsplit("/", 1)[-1], *line[1:]], stdin=pipe, stdout=pipe)
        for line in lines]
print("started", flush=True)
sys.stdin.read()
"""
_SERVER = "import sys\nsys.stdin.read()\n"


class TlsSink:
    """Takes whatever comes over TLS and keeps it."""

    def __init__(self) -> None:
        self.ca, self.taken = trustme.CA(), bytearray()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert("127.0.0.1").configure_cert(self._context)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                with self._context.wrap_socket(self._listener.accept()[0], server_side=True) as connection:
                    while piece := connection.recv(65_536):
                        self.taken += piece
            except OSError:
                if self._listener.fileno() < 0:
                    return

    def close(self) -> None:
        self._listener.close()


class World:
    """A laptop full of canaries, its daemon, and everybody who hears from it."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.canaries = Canaries()
        folder.joinpath("laptop").mkdir()
        self.machine = Machine(folder / "laptop", {})
        stack.callback(self.machine.close)
        plant(self.machine.root, self.canaries)
        for path in self.machine.at(HOME).rglob("*"):
            os.chown(path, ANN, ANN)
        self.collectors: dict[str, Collector] = {"splunk_hec": Splunk(), "otlp": Otlp(), "elastic": Elastic()}
        self.central = stack.enter_context(Endpoint())
        self.others = {kind: stack.enter_context(Endpoint(judge=judge)) for kind, judge in self.collectors.items()}
        self.syslog = TlsSink()
        stack.callback(self.syslog.close)
        self.machine.write(SETTINGS, self._settings())
        self._start_servers(stack)
        self.daemon = Daemon(self.machine, online=True)
        stack.callback(self.daemon.kill)

    def _settings(self) -> str:
        certificates = [self.central.ca, *(one.ca for one in self.others.values()), self.syslog.ca]
        pem = b"".join(ca.cert_pem.bytes() for ca in certificates)
        self.machine.write(f"{FOLDER}/ca.pem", pem)
        for name, text in {"token": TOKEN, "hmac": self.canaries.strong("key of the signature")}.items():
            self.machine.write(f"{FOLDER}/{name}", text).chmod(0o600)
        trust = f'ca_file = "{FOLDER}/ca.pem"\ntoken_file = "{FOLDER}/token"\n'
        paths = {"splunk_hec": "", "otlp": "/v1/logs", "elastic": ""}
        http = "".join(
            f'[[destination]]\nkind = "{kind}"\nurl = "https://127.0.0.1:{one.port}{paths[kind]}"\n{trust}'
            for kind, one in self.others.items()
        )
        return (
            f'[endpoint]\nurl = "{self.central.url}"\nhmac_key_file = "{FOLDER}/hmac"\n{trust}{http}'
            f'[[destination]]\nkind = "syslog"\nhost = "127.0.0.1"\nport = {self.syslog.port}\nca_file = "{FOLDER}/ca.pem"\n'
            f'[[destination]]\nkind = "file"\npath = "/var/tmp/more.jsonl"\n[metrics]\ntextfile = "/var/tmp/agent.prom"\n'
        )

    def _start_servers(self, stack: ExitStack) -> None:
        """Let a program called claude hold one server for each shape of a secret, over pipes."""
        lines = [
            shape(self.canaries.strong(f"process: {name}")) for name, shape in {**COMMANDS, **STRONG_COMMANDS}.items()
        ]
        lines += [shape(self.canaries.weak(f"process: {name}, weak")) for name, shape in COMMANDS.items()]
        lines = [line for line in lines if line[0] == "srv"]
        self.running = len(lines)
        self.machine.write(f"{HOME}/bin/claude", _HOST, ANN)
        self.machine.write(f"{HOME}/bin/srv", _SERVER, ANN)
        self.machine.write(f"{HOME}/lines.json", json.dumps(lines), ANN)
        given = {"command": "srv", "args": ["--token", self.canaries.weak("by flag")]}
        config = json.dumps({"mcpServers": {"given": given}})
        argv = ["python3", f"{HOME}/bin/claude", f"{HOME}/lines.json", "--mcp-config", config]
        host = subprocess.Popen(self.machine.command(argv, user=ANN), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        stack.callback(host.communicate)
        assert host.stdout is not None
        assert host.stdout.readline() == b"started\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with ExitStack() as stack:
        world = World(tmp_path_factory.mktemp("canaries"), stack)
        until("all running servers", lambda: len(world.daemon.check().get("processes", ())) >= world.running * 0.9)
        until("findings at every receiver", lambda: all(len(one.events) > 500 for one in world.collectors.values()))
        until("findings at the endpoint and by syslog", lambda: len(world.central.events) > 500 and world.syslog.taken)
        yield world


def test_no_canary_in_what_destinations_get(world: World) -> None:
    everybody = {"https": world.central, **world.others}
    for kind, endpoint in everybody.items():
        taken = [text for one in endpoint.requests for text in (one.body, one.path, repr(dict(one.headers)))]
        assert world.canaries.found_in(*taken) == {}, kind
    assert world.canaries.found_in(bytes(world.syslog.taken)) == {}
    assert world.canaries.found_in(world.machine.at("/var/tmp/more.jsonl").read_bytes()) == {}


def test_no_canary_in_what_the_commands_say(world: World, tmp_path: Path) -> None:
    pid = str(world.daemon.check()["processes"][0]["pid"])
    asked = [["status", "--format", form] for form in STATUS_FORMATS]
    asked += [["status", "--details"], ["history"], ["export"], ["export", "--format", "csv"], ["doctor"]]
    asked += [["check"], ["check", "--json"], ["explain", "given"], ["explain", pid]]
    for words in asked:
        done = world.machine.run([COMMAND, *words])
        assert world.canaries.found_in(done.stdout, done.stderr) == {}, words
    world.machine.run([COMMAND, "doctor", "--bundle", "/var/tmp/bundle.tar.gz"])
    with tarfile.open(world.machine.at("/var/tmp/bundle.tar.gz")) as archive:
        archive.extractall(tmp_path, filter="data")
    parts = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(parts) > 3
    assert world.canaries.found_in(*parts) == {}


def test_no_canary_in_what_stays_on_the_disk_and_in_the_log(world: World) -> None:
    """While it runs, with the journal's log beside it, and after it has ended."""
    for end in (False, True):
        if end:
            world.daemon.stop(signal.SIGTERM)
        files = [path for path in world.machine.at(STATE).rglob("*") if path.is_file()]
        assert {"journal.sqlite3", "status.json", "reports.jsonl"} <= {path.name for path in files}
        for path in [*files, world.machine.at("/var/tmp/agent.prom"), world.daemon.output]:
            assert world.canaries.found_in(path.read_bytes()) == {}, path

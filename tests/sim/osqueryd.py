"""Plays osqueryd towards an extension: the extension manager on a real Thrift socket, and queries as osqueryd makes them."""

import contextlib
import json
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from osquery.extension_client import ExtensionClient
from osquery.extensions import ExtensionManager
from osquery.extensions.ttypes import ExtensionStatus
from thrift.protocol import TBinaryProtocol
from thrift.transport import TSocket, TTransport

_UUID = 7


class Osqueryd:
    """Listens at `folder/osquery.em`. `registry` is what the extension registered."""

    def __init__(self, folder: Path, refuses: str | None = None) -> None:
        self.socket = str(folder / "osquery.em")
        self.registry: Mapping[str, Mapping[str, list[dict[str, str]]]] = {}
        self.name: str | None = None
        self._refuses = refuses
        self._closing = False
        self._clients: list[socket.socket] = []
        self._registered = threading.Event()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(self.socket)
        self._processor = ExtensionManager.Processor(self)
        self._listening.listen()
        self._threads = [threading.Thread(target=self._listen)]
        self._threads[0].start()

    def _listen(self) -> None:
        while True:
            client, _ = self._listening.accept()
            if self._closing:
                client.close()
                return
            self._clients.append(client)
            thread = threading.Thread(target=self._serve, args=(client,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        connection = TSocket.TSocket()
        connection.setHandle(client)
        transport = TTransport.TBufferedTransport(connection)
        protocol = TBinaryProtocol.TBinaryProtocol(transport)
        with contextlib.suppress(TTransport.TTransportException, OSError):  # the extension is gone
            while True:
                self._processor.process(protocol, protocol)
        transport.close()

    # what an extension may call

    def registerExtension(self, info: Any, registry: Any) -> ExtensionStatus:  # noqa: N802, ANN401 - the protocol's
        self.name, self.registry = info.name, registry
        self._registered.set()
        if self._refuses is not None:
            return ExtensionStatus(code=1, message=self._refuses)
        return ExtensionStatus(code=0, message="OK", uuid=_UUID)

    def ping(self) -> ExtensionStatus:
        return ExtensionStatus(code=0, message="OK", uuid=0)

    # what osqueryd asks of it

    def wait_registered(self, seconds: float) -> bool:
        return self._registered.wait(seconds)

    def columns(self, table: str) -> list[dict[str, str]]:
        return self._call(table, {"action": "columns"})

    def query(self, table: str, **equal: str) -> list[dict[str, str]]:
        constraints = [
            {"name": name, "list": [{"op": 2, "expr": value}], "affinity": "TEXT"} for name, value in equal.items()
        ]
        return self._call(table, {"action": "generate", "context": json.dumps({"constraints": constraints})})

    def shutdown_extension(self) -> None:
        with self._client() as client:
            client.shutdown()

    def vanish(self) -> None:
        """Drop every connection, as when osqueryd is killed."""
        for client in self._clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def _call(self, table: str, request: dict[str, str]) -> list[dict[str, str]]:
        with self._client() as client:
            answer = client.call("table", table, request)
        assert answer.status.code == 0, answer.status.message
        return list(answer.response)

    def _client(self) -> "_Client":
        return _Client(self.socket)

    def close(self) -> None:
        """Close once the extension is gone."""
        with socket.socket(socket.AF_UNIX) as last:  # ends the wait for one more connection
            self._closing = True
            last.connect(self.socket)
        for thread in self._threads:
            thread.join(10)
        self._listening.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextlib.contextmanager
def extension(
    program: Sequence[str | Path], state: Path, refuses: str | None = None
) -> Iterator[tuple[Osqueryd, subprocess.Popen[str]]]:
    """Start `program` as osqueryd starts an extension, over the status in `state`; end both."""
    with tempfile.TemporaryDirectory() as short, Osqueryd(Path(short), refuses) as osqueryd:
        command = [*program, "--state-folder", state, "--socket", osqueryd.socket, "--timeout", "10", "--interval", "1"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            try:
                assert osqueryd.wait_registered(20)
                yield osqueryd, process
            finally:
                process.kill()


class _Client:
    def __init__(self, socket: str) -> None:
        self._connection = ExtensionClient(path=socket, uuid=_UUID)

    def __enter__(self) -> Any:  # noqa: ANN401 - the library has no types
        assert self._connection.open(timeout=10)
        return self._connection.extension_client()

    def __exit__(self, *_: object) -> None:
        self._connection.close()

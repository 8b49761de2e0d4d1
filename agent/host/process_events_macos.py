"""Apple's eslogger(1): Endpoint Security's word of each program that starts and each process that ends, as JSON lines.

It needs root, and Full Disk Access for the agent (an MDM grants it by a PPPC profile). It is started from its one path,
with nothing on its standard input and in its environment. What it tells holds everything that is known of a process, so that
nothing is read of one that may be gone.
"""

import contextlib
import os
import select
import subprocess
from collections.abc import Callable, Collection
from pathlib import Path

from agent.host.environment import Keeping
from agent.host.eslogger_lines import Line, read_line
from agent.host.users import AccountNames
from agent.ports import EventsLost, Told

PROGRAM = "/usr/bin/eslogger"
_EVENTS = ("exec", "exit")
_SETTLE_S = 1.0
"""One that is not permitted says so and ends at once."""

_END_S = 5.0
_CHUNK_BYTES = 1 << 16
_LINE_MAX_BYTES = 4 << 20
"""The arguments and the environment of a process take a megabyte at most."""

_REASON_MAX = 200


class EsLogger:
    """`ProcessEvents` on macOS. `keeping` says what is kept of an environment, `names` who a uid is."""

    name = "Endpoint Security (eslogger)"

    def __init__(
        self, keeping: Keeping | None = None, program: str = PROGRAM, names: Callable[[int], str] | None = None
    ) -> None:
        """Start it.

        Raises:
            OSError: it is not there, or may not run; the text says why.
        """
        self._keeping, self._names = keeping or Keeping(), names or AccountNames()
        self._followed: frozenset[int] = frozenset()
        self._held = bytearray()
        self._numbers: dict[str, int] = {}
        self._woken, self._waker = os.pipe()
        try:
            self._process = subprocess.Popen(
                [program, *_EVENTS],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={},
                cwd="/",
                start_new_session=True,  # it keeps silent about its own process group
            )
        except OSError:
            self._close_pipe()
            raise
        assert self._process.stdout is not None  # noqa: S101 - pipes were asked for
        assert self._process.stderr is not None  # noqa: S101
        self._output, self._errors = self._process.stdout.fileno(), [self._process.stderr.fileno()]
        os.set_blocking(self._errors[0], False)
        self._said = b""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_SETTLE_S)
            reason = self._last_words()
            self.close()
            raise OSError(f"{Path(program).name} ended at once: {reason}")

    def wait(self, timeout_s: float) -> Told:
        """Return what was told since the last call, after at most `timeout_s`.

        Raises:
            EventsLost: it has ended.
        """
        ready, _, _ = select.select([self._output, self._woken, *self._errors], [], [], timeout_s)
        if self._woken in ready:
            os.read(self._woken, _CHUNK_BYTES)
        self._hear()
        if self._output not in ready:
            return Told()
        data = os.read(self._output, _CHUNK_BYTES)
        if not data:
            raise EventsLost(f"eslogger has ended: {self._last_words()}")
        self._held += data
        *lines, rest = self._held.split(b"\n")
        too_long = len(rest) > _LINE_MAX_BYTES
        self._held = bytearray() if too_long else bytearray(rest)
        found = [line for text in lines if text and (line := read_line(bytes(text), self._keeping, self._names))]
        started = {line.started.pid: line.started for line in found if line.started is not None}
        return Told(
            tuple(line.started.pid for line in found if line.started is not None),
            tuple(line.ended for line in found if line.ended in self._followed),
            overrun=self._gaps(found) or too_long,
            described=started,
        )

    def follow(self, pids: Collection[int]) -> None:
        """Let the end of exactly these processes be told too."""
        self._followed = frozenset(pids)

    def interrupt(self) -> None:
        """Let the present or next `wait` return at once."""
        os.write(self._waker, b"\0")

    def close(self) -> None:
        """End it."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        self._close_pipe()

    def _gaps(self, lines: list[Line]) -> bool:
        """Say whether numbers are missing. Each kind is counted by itself."""
        gap = False
        for line in lines:
            if isinstance(line.number, int):
                gap |= line.number != self._numbers.get(line.kind, line.number - 1) + 1
                self._numbers[line.kind] = line.number
        return gap

    def _hear(self) -> None:
        """Take what was said on standard error until now, of which the end is kept."""
        with contextlib.suppress(BlockingIOError):
            while self._errors and (said := os.read(self._errors[0], _CHUNK_BYTES)):
                self._said = (self._said + said)[-_REASON_MAX:]
            self._errors.clear()  # it was closed

    def _last_words(self) -> str:
        """Return the last line of what was said, which is Apple's text."""
        self._hear()
        said = self._said.decode("utf-8", "replace").strip().rsplit("\n", 1)[-1]
        return "".join(character if character.isprintable() else " " for character in said) or "it did not say why"

    def _close_pipe(self) -> None:
        for end in (self._woken, self._waker):
            with contextlib.suppress(OSError):
                os.close(end)

"""The cheapest look at one process: enough to tell that it is still the same process, running the same program."""

from typing import NamedTuple


class Pulse(NamedTuple):
    """`started` identifies the process together with its pid. Any other change means that it must be read again.

    `image` differs after an exec where the system shows it (Linux: where the arguments lie, which each exec moves).
    `passed_over` marks kernel threads and what ends or has ended, which run no program. `thread` is one that runs on where the
    first has ended (Linux): such a process looks as if it had ended too, and tells what it is by its other threads alone.
    """

    started: float
    ppid: int
    name: str
    image: int = 0
    passed_over: bool = False
    thread: int = 0

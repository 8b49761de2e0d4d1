import sys
from pathlib import Path

import pytest

from agent.host.memory import give_back


def resident_bytes() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc gives back on demand")
def test_what_was_freed_below_something_that_stays_goes_back_to_the_system() -> None:
    freed = [bytes(64 * 1024) for _ in range(1000)]
    stays = bytes(64 * 1024)
    del freed
    before = resident_bytes()
    give_back()
    assert before - resident_bytes() > 30_000_000
    assert stays

"""The process table beside `ps`."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from agent.host.processes import PsutilProcessTable

PS = shutil.which("ps")


@pytest.mark.skipif(sys.platform != "linux" or PS is None, reason="compares with procps on Linux")
def test_the_table_says_what_ps_says() -> None:
    table = PsutilProcessTable()
    before = {process.pid: process for process in table.snapshot().processes}
    ps = subprocess.run(
        [str(PS), "-eo", "pid=,ppid=,uid=,stat=,args=", "-ww"], capture_output=True, text=True, check=True
    )
    after = {process.pid: process for process in table.snapshot().processes}
    compared = 0
    for line in ps.stdout.splitlines():
        pid, ppid, uid, state, args = [*line.split(None, 4), ""][:5]
        ours = before.get(int(pid))
        if ours is None or after.get(int(pid)) != ours:
            continue  # started, ended or changed in the meantime
        if re.match(r"\S+: ", args):
            continue  # a title that the process wrote over its command (postgres, sshd, nginx), which the table keeps
        assert ours.ppid == int(ppid)
        assert not state.startswith("Z")
        if int(pid) == os.getpid():
            assert int(uid) == os.getuid()
        assert " ".join(ours.command or ()).split() == args.split() or not args.isprintable() or args.startswith("[")
        compared += 1
    assert compared >= 1


@pytest.mark.skipif(sys.platform != "linux" or PS is None, reason="compares with procps on Linux")
def test_what_ps_shows_and_the_table_leaves_out_runs_no_program() -> None:
    table = PsutilProcessTable()
    first = {process.pid for process in table.snapshot().processes}
    ps = subprocess.run([str(PS), "-eo", "pid=,stat=,args=", "-ww"], capture_output=True, text=True, check=True)
    second = {process.pid for process in table.snapshot().processes}
    for line in ps.stdout.splitlines():
        pid, state, args = [*line.split(None, 2), ""][:3]
        if int(pid) not in first | second and not os.path.exists(f"/proc/{pid}"):  # noqa: PTH110 - a look at /proc
            continue
        assert int(pid) in first | second or state.startswith("Z") or args.startswith("[")

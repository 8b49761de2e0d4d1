"""A whole Debian under a kernel of its own, in an emulator: what a container shares with its host is this machine's alone here.

The machine is a disk that is made for one start. It runs the script that it is given beside the service, writes what that says
onto a serial line, and switches itself off.
"""

import shutil
import subprocess
from pathlib import Path

_SIZE = "1500M"
_LONGEST_S = 300.0
_UNIT = """\
[Unit]
After=multi-user.target mcp-compliance-agent.service
[Service]
Type=oneshot
ExecStart=/bin/bash /opt/try.sh
ExecStopPost=/bin/systemctl --no-block poweroff
StandardOutput=file:/dev/ttyS1
StandardError=file:/dev/ttyS0
[Install]
WantedBy=graphical.target
"""


def told(base: Path, kernel: Path, package: Path, script: str, folder: Path) -> str:
    """Return what `script` says on a machine of `base` that has started from its disk with `package` installed.

    Raises:
        AssertionError: it did not come to an end; with what its console said.
    """
    root, disk, said, console = (folder / name for name in ("root", "disk.img", "said", "console"))
    subprocess.run(["cp", "-a", str(base), str(root)], check=True)
    _install(root, package)
    (root / "opt/try.sh").write_text(script)
    units = root / "etc/systemd/system"
    (units / "try.service").write_text(_UNIT)
    for masked in ("serial-getty@ttyS0.service", "getty.target"):  # without udev no terminal is ever announced
        (units / masked).symlink_to("/dev/null")
    wants = units / "graphical.target.wants"
    wants.mkdir(exist_ok=True)
    (wants / "try.service").symlink_to("../try.service")
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", str(root), str(disk), _SIZE], check=True)
    shutil.rmtree(root)
    with console.open("wb") as stream:
        ended = subprocess.run(
            _emulator(kernel, disk, said),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            timeout=_LONGEST_S,
            check=False,
        )
    disk.unlink()
    assert ended.returncode == 0, console.read_text(errors="replace")[-3000:]
    return said.read_text().replace("\r\n", "\n")


def _install(root: Path, package: Path) -> None:
    """Install as an image of a machine is made: its service is enabled there, and started when the machine starts."""
    shutil.copy(package, root / "opt/agent.deb")
    for command in (["useradd", "--create-home", "ann"], ["dpkg", "--install", "/opt/agent.deb"]):
        done = subprocess.run(["chroot", str(root), *command], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def _emulator(kernel: Path, disk: Path, said: Path) -> list[str]:
    """Emulated in software, as nested virtualisation is not to be relied on."""
    return [
        *("qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "2048"),
        *("-nodefaults", "-display", "none", "-nic", "none", "-no-reboot"),
        *("-serial", "stdio", "-serial", f"file:{said}"),
        *("-kernel", str(kernel), "-append", "root=/dev/nvme0n1 rw console=ttyS0 quiet"),
        *("-drive", f"file={disk},format=raw,if=none,id=disk,cache=unsafe", "-device", "nvme,drive=disk,serial=1"),
    ]

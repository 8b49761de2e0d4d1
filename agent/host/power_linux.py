"""The power supplies of a Linux machine (Documentation/ABI/testing/sysfs-class-power), by the rule that systemd goes by too.

psutil takes the first supply with a battery in it, which on a desktop is that of a wireless mouse, and trips over one that tells
no numbers.
"""

from contextlib import suppress
from pathlib import Path

SUPPLIES = Path("/sys/class/power_supply")
_SOURCES = frozenset({"Mains", "USB", "UPS"})
_MAX_BYTES = 64


def on_battery(supplies: Path = SUPPLIES) -> bool:
    """Say whether a battery of the machine itself is used up while no source of power is there."""
    used_up = False
    try:
        folders = tuple(supplies.iterdir())
    except OSError:
        return False
    for folder in folders:
        if _word(folder, "scope") == "Device":
            continue  # of a mouse, a headset, a pen
        kind = _word(folder, "type")
        if kind in _SOURCES and _word(folder, "online") == "1":
            return False
        used_up |= kind == "Battery" and _word(folder, "status") == "Discharging"
    return used_up


def _word(folder: Path, name: str) -> str:
    with suppress(OSError), (folder / name).open("rb") as stream:
        return stream.read(_MAX_BYTES).decode("ascii", "replace").strip()
    return ""

"""This machine: what it is, where the agent's own files live on it, and how it is told apart from every other."""

import os
import platform
import socket
import stat
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from agent.core.own_places import NAME, PLACES
from agent.core.place import Os
from agent.host.replacing import replace_durably

UNREGISTERED = "unregistered"
_OTHERS_WRITE, _OTHERS_READ = stat.S_IWGRP | stat.S_IWOTH, stat.S_IRGRP | stat.S_IROTH
_MAX_PATH, _COMMON_APPDATA = 260, 0x23


@dataclass(frozen=True, slots=True)
class Machine:
    """The running system; `privileged` is true for root and for Windows administrators."""

    os: Os
    os_version: str
    hostname: str
    privileged: bool


@dataclass(frozen=True, slots=True)
class OwnPaths:
    """The agent's own places: the settings file (drop-ins in `agent.d` beside it) and the state folder."""

    settings: Path
    state: Path


def this_machine() -> Machine:
    """Describe the running system."""
    return Machine(_os(), _os_version(), socket.gethostname(), _privileged())


def own_paths(machine: Machine) -> OwnPaths:
    """Return where the agent's files live: the system's places for administrators, the user's own state folder otherwise.

    Settings always come from the system's place, which users cannot write.
    """
    places = PLACES[machine.os]
    system = OwnPaths(_here(places.settings), _here(places.state))
    if machine.privileged:
        return system
    return OwnPaths(system.settings, Path(platformdirs.user_state_path(NAME, appauthor=False)))


def _here(path: str) -> Path:
    """Return a documented place on this machine, whose `ProgramData` may be elsewhere."""
    return Path(path.replace("C:\\ProgramData", _program_data(), 1))


def _program_data() -> str:
    """Return where Windows says that it is; the environment says what whoever started us wanted it to say."""
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - exists with these attributes on Windows only

        found = ctypes.create_unicode_buffer(_MAX_PATH)
        if ctypes.windll.shell32.SHGetFolderPathW(None, _COMMON_APPDATA, None, 0, found) == 0 and found.value:
            return found.value.rstrip("\\")
    return "C:\\ProgramData"


def device_id(state: Path, *, create: bool) -> str:
    """Return the id of this installation, kept in the state folder; make one there if `create`.

    Raises:
        OSError: the id should be made and the state folder cannot be written.
    """
    path = state / "device-id"
    try:
        return str(uuid.UUID(path.read_text(encoding="ascii").strip()))
    except (OSError, ValueError):
        if not create:
            return UNREGISTERED
    fresh = str(uuid.uuid4())
    own_folder(state)
    replace_durably(path, f"{fresh}\n".encode("ascii"))
    return fresh


def own_folder(folder: Path, mode: int = 0o700) -> str | None:
    """Make the agent's own folder, with rights of POSIX that let others pass through it at most.

    Return in words what others could do in it until now; None where nothing.

    Raises:
        OSError: it cannot be made, or something else stands there.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name != "posix" or (found := folder.stat()).st_uid != os.geteuid():
        return None
    folder.chmod(mode)
    before = stat.S_IMODE(found.st_mode)
    could = "written" if before & _OTHERS_WRITE else "listed" if before & _OTHERS_READ else None
    return None if could is None else f"{folder} could be {could} by others (mode {before:04o}, now {mode:04o})"


def _os() -> Os:
    if sys.platform == "win32":
        return "windows"
    return "macos" if sys.platform == "darwin" else "linux"


def _os_version() -> str:
    system = _os()
    if system == "macos":
        return platform.mac_ver()[0]
    if system == "windows":
        return platform.version()
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return platform.release()
    return release.get("PRETTY_NAME", platform.release())


def _privileged() -> bool:
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - exists with this attribute on Windows only

        return bool(ctypes.windll.shell32.IsUserAnAdmin())
    return os.geteuid() == 0

"""What an installation on Windows leaves besides files: folders that only administrators write, settings, recovery actions.

Any user may make folders in `ProgramData`, so one that stands there already, and is not an administrator's, is put aside with all
that it holds before anything is believed or written there.
"""

import ctypes
import json
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import wintypes
from pathlib import Path

from agent.host.permissions_windows import sddl_of

assert sys.platform == "win32"  # noqa: S101 - tells the type checker too

_OURS = "O:BAG:SYD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
"""The owner is the administrators; nothing is inherited; the system and administrators may do everything."""
_OURS_TO_READ = f"{_OURS}(A;OICI;FRFX;;;BU)"
_ADMINISTRATORS = ("O:BA", "O:SY", "O:LA")
_FILE, _OWNER_GROUP_AND_DACL = 1, 0x1 | 0x2 | 0x4 | 0x80000000
_INSTALLED = "00-installed.toml"
_DESCRIPTION = "Verifies that the organisation's MCP policy binds on this machine."
_RESTART_MS = (5_000, 5_000, 60_000)
_DAY_S = 86_400


class SetupError(Exception):
    """A step of the setup failed; the text says which and why."""


def hold_folders(settings: Path, state: Path) -> None:
    """Make the agent's folders, or take back what stands in their place; give them to administrators alone.

    Raises:
        SetupError: a folder cannot be made or protected.
    """
    base = settings.parent
    if base.exists() and not (sddl_of(str(base)) or "").startswith(_ADMINISTRATORS):
        aside = base.with_name(f"{base.name}.not-trusted-{int(time.time())}")
        with _step(f"putting aside {base}, which is no administrator's"):
            base.rename(aside)
    for folder, rights in (
        (base, _OURS_TO_READ),
        (base / "agent.d", _OURS_TO_READ),
        (base / "baselines", _OURS_TO_READ),
        (state, _OURS),
        (state / "public", _OURS_TO_READ),
    ):
        with _step(f"making {folder}"):
            folder.mkdir(parents=True, exist_ok=True)
        _protect(folder, rights)


def write_settings(settings: Path, endpoint: str, token: str) -> None:
    """Write what the installer was given: the endpoint's address, and its token into a file that users cannot read.

    Nothing given leaves what is there as it is.

    Raises:
        SetupError: a file cannot be written or protected.
    """
    lines = ["# Written by the installer from its properties ENDPOINT and TOKEN.", "[endpoint]"]
    if token:
        file = settings.with_name("token")
        with _step(f"writing {file}"):
            file.touch()
            _protect(file, _OURS)
            file.write_text(token, encoding="utf-8")
    if endpoint:
        lines.append(f"url = {json.dumps(endpoint)}")
        if settings.with_name("token").exists():
            lines.append(f"token_file = {json.dumps(str(settings.with_name('token')))}")
        with _step("writing the settings"):
            (settings.parent / "agent.d" / _INSTALLED).write_text("\n".join(lines) + "\n", encoding="utf-8")


def hold_recovery(name: str) -> None:
    """Have the service manager start the service again whenever it ends on its own, and show what it is.

    Raises:
        SetupError: the service cannot be opened, or refuses one of these.
    """
    api = ctypes.WinDLL("advapi32", use_last_error=True)
    api.OpenSCManagerW.restype = api.OpenServiceW.restype = wintypes.SC_HANDLE
    manager = api.OpenSCManagerW(None, None, 0x1)
    service = api.OpenServiceW(
        wintypes.SC_HANDLE(manager), name, 0x2 | 0x10
    )  # change its configuration; start: for restarts
    if not service:
        raise SetupError(f"the service {name} cannot be opened: {ctypes.WinError(ctypes.get_last_error())}")
    try:
        for level, row in ((1, _Text(_DESCRIPTION)), (2, _failure_actions()), (4, wintypes.BOOL(1))):
            if not api.ChangeServiceConfig2W(wintypes.SC_HANDLE(service), level, ctypes.byref(row)):
                raise SetupError(f"recovery of the service {name}: {ctypes.WinError(ctypes.get_last_error())}")
    finally:
        api.CloseServiceHandle(wintypes.SC_HANDLE(service))
        api.CloseServiceHandle(wintypes.SC_HANDLE(manager))


def purge(settings: Path) -> None:
    """Remove settings and state.

    Raises:
        SetupError: something of it cannot be removed.
    """
    with _step(f"removing {settings.parent}"):
        shutil.rmtree(settings.parent, ignore_errors=not settings.parent.exists())


def be_a_good_guest() -> None:
    """Let every other program go first: below normal priority, and the slower, cooler cores where there are some."""
    kernel = ctypes.WinDLL("kernel32")
    kernel.GetCurrentProcess.restype = wintypes.HANDLE
    this = wintypes.HANDLE(kernel.GetCurrentProcess())
    kernel.SetPriorityClass(this, 0x4000)
    throttling = (wintypes.DWORD * 3)(1, 0x1, 0x1)  # version, EXECUTION_SPEED is ours to set, and it is on
    if hasattr(kernel, "SetProcessInformation"):
        kernel.SetProcessInformation(this, 4, ctypes.byref(throttling), ctypes.sizeof(throttling))


class _Text(ctypes.Structure):
    _fields_ = (("text", wintypes.LPWSTR),)


class _Action(ctypes.Structure):
    _fields_ = (("kind", ctypes.c_int), ("delay_ms", wintypes.DWORD))


class _FailureActions(ctypes.Structure):
    _fields_ = (
        ("reset_s", wintypes.DWORD),
        ("message", wintypes.LPWSTR),
        ("command", wintypes.LPWSTR),
        ("count", wintypes.DWORD),
        ("actions", ctypes.POINTER(_Action)),
    )


def _failure_actions() -> ctypes.Structure:
    actions = (_Action * len(_RESTART_MS))(*(_Action(1, delay) for delay in _RESTART_MS))
    return _FailureActions(_DAY_S, None, None, len(_RESTART_MS), actions)


def _protect(path: Path, sddl: str) -> None:
    api, kernel = ctypes.WinDLL("advapi32", use_last_error=True), ctypes.WinDLL("kernel32")
    descriptor = ctypes.c_void_p()
    convert = api.ConvertStringSecurityDescriptorToSecurityDescriptorW
    if not convert(sddl, 1, ctypes.byref(descriptor), None):
        raise SetupError(f"protecting {path}: {ctypes.WinError(ctypes.get_last_error())}")
    try:
        api.SetFileSecurityW.argtypes = [wintypes.LPCWSTR, wintypes.DWORD, ctypes.c_void_p]
        if not api.SetFileSecurityW(str(path), _OWNER_GROUP_AND_DACL, descriptor):
            raise SetupError(f"protecting {path}: {ctypes.WinError(ctypes.get_last_error())}")
    finally:
        kernel.LocalFree.argtypes = [ctypes.c_void_p]
        kernel.LocalFree(descriptor)


@contextmanager
def _step(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SetupError(f"{what}: {error.strerror or error}") from None

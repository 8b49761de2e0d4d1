"""What an installation on Windows leaves besides files: folders that only administrators write, settings, recovery actions.

Any user may make folders in `ProgramData`, so one that stands there already, and is not an administrator's, is put aside with all
that it holds before anything is believed or written there.
"""

import contextlib
import ctypes
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from ctypes import wintypes
from pathlib import Path

import psutil

from agent.core.own_places import NAME
from agent.host.credentials_windows import protected
from agent.host.lock import AlreadyHeldError, held, holder
from agent.host.permissions_windows import sddl_of

assert sys.platform == "win32"  # noqa: S101 - tells the type checker too

_OURS = "O:BAG:SYD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
"""The owner is the administrators; nothing is inherited; the system and administrators may do everything."""
_OURS_TO_READ = f"{_OURS}(A;OICI;FRFX;;;BU)"
_ADMINISTRATORS = ("BA", "SY", "LA")
_FILE, _OWNER_GROUP_AND_DACL = 1, 0x1 | 0x2 | 0x4 | 0x80000000
_INSTALLED = "00-installed.toml"
_DESCRIPTION = "Verifies that the organisation's MCP policy binds on this machine."
_RESTART_MS = (5_000, 5_000, 60_000)
_DAY_S = 86_400
_ENDS_WITHIN_S, _ASK_EVERY_S = 60.0, 0.2
_AFTER_ERRORS_TOO, _UNKNOWN_LEVEL = 4, 124


class SetupError(Exception):
    """A step of the setup failed; the text says which and why."""


def hold_folders(settings: Path, state: Path) -> None:
    """Make the agent's folders, or take back what stands in their place; give them to administrators alone.

    Raises:
        SetupError: a folder cannot be made or protected.
    """
    base, trusted = settings.parent, _Trust()
    if base.exists() and not trusted.owns(base):
        trusted.put_aside(base)
    for path in sorted(base.rglob("*"), reverse=True):  # what lies deeper first, as a folder takes it along
        if not trusted.owns(path):
            trusted.put_aside(path)
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

    The machine's own key protects the token besides, so that a copy of the disk does not give it away.

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
            file.write_bytes(protected(token.encode()))
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
        for level, row in ((1, _Text(_DESCRIPTION)), (2, _failure_actions()), (_AFTER_ERRORS_TOO, wintypes.BOOL(True))):
            if api.ChangeServiceConfig2W(wintypes.SC_HANDLE(service), level, ctypes.byref(row)):
                continue
            error = ctypes.WinError(ctypes.get_last_error())
            if (level, error.winerror) != (_AFTER_ERRORS_TOO, _UNKNOWN_LEVEL):  # Wine restarts after a crash alone
                raise SetupError(f"recovery of the service {name}: {error}")
    finally:
        api.CloseServiceHandle(wintypes.SC_HANDLE(service))
        api.CloseServiceHandle(wintypes.SC_HANDLE(manager))


def tear_down(settings: Path, state: Path, *, purge: bool) -> None:
    """Wait until the agent has ended, whose files are about to go; with `purge` remove settings and state too.

    The installer has asked the service to stop; where it was still starting, that was refused, so it is asked again. The lock
    goes a little before its holder, which keeps its files for as long as it lives.

    Raises:
        SetupError: it does not end, or something cannot be removed.
    """
    deadline = time.monotonic() + _ENDS_WITHIN_S
    last = holder(state / "agent.lock")
    while state.exists():
        try:
            with held(state / "agent.lock"):
                break
        except AlreadyHeldError:
            if time.monotonic() > deadline:
                raise SetupError(f"the agent still runs after {_ENDS_WITHIN_S:.0f} s") from None
            _ask_to_stop(NAME)
            time.sleep(_ASK_EVERY_S)
    if last is not None and last.pid != os.getpid():
        try:
            last.wait(max(deadline - time.monotonic(), 0))
        except psutil.TimeoutExpired:
            raise SetupError(f"the agent, process {last.pid}, still runs after {_ENDS_WITHIN_S:.0f} s") from None
    if purge and settings.parent.exists():
        with _step(f"removing {settings.parent}"):
            shutil.rmtree(settings.parent)


def _ask_to_stop(name: str) -> None:
    """Ask the service manager to stop the service, if there is one and it can be asked."""
    api = ctypes.WinDLL("advapi32", use_last_error=True)
    api.OpenSCManagerW.restype = api.OpenServiceW.restype = wintypes.SC_HANDLE
    manager = api.OpenSCManagerW(None, None, 0x1)
    service = api.OpenServiceW(wintypes.SC_HANDLE(manager), name, 0x20)  # stop
    if service:
        status = (wintypes.DWORD * 7)()
        api.ControlService(wintypes.SC_HANDLE(service), 1, ctypes.byref(status))
        api.CloseServiceHandle(wintypes.SC_HANDLE(service))
    api.CloseServiceHandle(wintypes.SC_HANDLE(manager))


def be_a_good_guest() -> None:
    """Let every other program go first: below normal priority, and the slower, cooler cores where there are some."""
    kernel = ctypes.WinDLL("kernel32")
    kernel.GetCurrentProcess.restype = wintypes.HANDLE
    this = wintypes.HANDLE(kernel.GetCurrentProcess())
    kernel.SetPriorityClass(this, 0x4000)
    throttling = (wintypes.DWORD * 3)(1, 0x1, 0x1)  # version, EXECUTION_SPEED is ours to set, and it is on
    if hasattr(kernel, "SetProcessInformation"):
        kernel.SetProcessInformation(this, 4, ctypes.byref(throttling), ctypes.sizeof(throttling))


class _Trust:
    """Who is believed: administrators, the system, and whoever this process runs as, as only they set the agent up."""

    def __init__(self) -> None:
        self._believed = {f"O:{who}" for who in (*_ADMINISTRATORS, _own_sid())}
        self._now = int(time.time())

    def owns(self, path: Path) -> bool:
        """Say whether one of them owns what stands at `path`."""
        owner = re.match(r"O:(?:S-[\d-]+|[A-Z]{2})", sddl_of(str(path)) or "")
        return owner is not None and owner[0] in self._believed

    def put_aside(self, path: Path) -> None:
        """Give it a name under which nothing reads it."""
        with _step(f"putting aside {path}, which is no administrator's"):
            path.rename(path.with_name(f"{path.name}.not-trusted-{self._now}"))


def _own_sid() -> str:
    """Return the SID of the account that this process runs as, in words."""
    api, kernel = ctypes.WinDLL("advapi32", use_last_error=True), ctypes.WinDLL("kernel32")
    kernel.GetCurrentProcess.restype = wintypes.HANDLE
    token, size, text = wintypes.HANDLE(), wintypes.DWORD(), wintypes.LPWSTR()
    if not api.OpenProcessToken(wintypes.HANDLE(kernel.GetCurrentProcess()), 0x8, ctypes.byref(token)):
        raise SetupError(f"asking who this is: {ctypes.WinError(ctypes.get_last_error())}")
    try:
        user = (ctypes.c_void_p * 32)()  # TOKEN_USER: a pointer to the SID, then the SID
        if not api.GetTokenInformation(token, 1, user, ctypes.sizeof(user), ctypes.byref(size)):
            raise SetupError(f"asking who this is: {ctypes.WinError(ctypes.get_last_error())}")
        if not api.ConvertSidToStringSidW(ctypes.c_void_p(user[0]), ctypes.byref(text)):
            raise SetupError(f"asking who this is: {ctypes.WinError(ctypes.get_last_error())}")
        return text.value or ""
    finally:
        kernel.CloseHandle(token)


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


@contextlib.contextmanager
def _step(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SetupError(f"{what}: {error.strerror or error}") from None

r"""Live policy stores that are no files: the Windows registry. Another root's registry is in hive files, which are not read.

Claude Code's policy is one JSON text, the value `Settings` below `SOFTWARE\Policies\ClaudeCode`; Claude Desktop's is all values
below `SOFTWARE\Policies\Claude`, and so are GitHub Copilot's and VS Code's below theirs. Each can stand in HKLM and in every
user's hive, of which the loaded ones are seen.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass

CLAUDE_CODE, CLAUDE_DESKTOP, COPILOT, VSCODE = "claude-code", "claude-desktop", "github-copilot-cli", "vscode"
_ALL = "*"
_KEYS = {
    CLAUDE_CODE: (r"SOFTWARE\Policies\ClaudeCode", "Settings"),
    CLAUDE_DESKTOP: (r"SOFTWARE\Policies\Claude", _ALL),
    COPILOT: (r"SOFTWARE\Policies\GitHubCopilot", _ALL),
    VSCODE: (r"SOFTWARE\Policies\Microsoft\VSCode", _ALL),
}
_PEOPLE = ("S-1-5-21-", "S-1-12-1-")
"""How the SIDs of accounts begin: local and domain accounts, accounts of Entra ID."""
_EPOCH, _TICK_NS = 116_444_736_000_000_000, 100
"""1970 in the ticks of Windows' clock, which began in 1601, and what one of them lasts."""


@dataclass(frozen=True, slots=True)
class Value:
    """The policy of one client in one hive. `text` is None where it is no text, which the client takes for a broken policy.

    Where all values of a key are the policy, `text` is a JSON object of those that are numbers and texts. `written_ns` is when
    the key was last written, in nanoseconds since 1970.
    """

    path: str
    text: str | None
    sid: str | None = None
    problem: str | None = None
    written_ns: int = 0
    client: str = CLAUDE_CODE


def registry_policies() -> tuple[Value, ...]:
    """Return the policies of the machine and of every user whose hive is loaded; nothing on other systems."""
    if sys.platform == "win32":
        import winreg  # noqa: PLC0415 - exists on Windows only

        found = [_value(winreg.HKEY_LOCAL_MACHINE, None, client) for client in _KEYS]
        found += [_value(winreg.HKEY_USERS, sid, client) for sid in _people() for client in _KEYS]
        return tuple(value for value in found if value is not None)
    return ()


def profile_of(sid: str) -> str | None:
    """Return the home of the user with that SID; None where the machine does not know it."""
    if sys.platform == "win32":
        import winreg  # noqa: PLC0415 - exists on Windows only

        key = rf"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\{sid}"
        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key) as opened:
                return str(winreg.ExpandEnvironmentStrings(winreg.QueryValueEx(opened, "ProfileImagePath")[0]))
        except OSError:
            return None
    return None


if sys.platform == "win32":
    import winreg

    def _people() -> Iterator[str]:
        at = 0
        while True:
            try:
                sid = winreg.EnumKey(winreg.HKEY_USERS, at)
            except OSError:
                return
            at += 1
            if sid.startswith(_PEOPLE) and not sid.endswith("_Classes"):
                yield sid

    def _value(hive: int, sid: str | None, client: str) -> Value | None:
        key, name = _KEYS[client]
        path = f"HKLM\\{key}\\{name}" if sid is None else f"HKU\\{sid}\\{key}\\{name}"
        inside = key if sid is None else f"{sid}\\{key}"
        try:
            with winreg.OpenKey(hive, inside, 0, winreg.KEY_READ | winreg.KEY_WOW64_64KEY) as opened:
                text = _all(opened) if name == _ALL else _text(*winreg.QueryValueEx(opened, name))
                written = winreg.QueryInfoKey(opened)[2]
        except FileNotFoundError:
            return None
        except OSError as error:
            return Value(path, None, sid, error.strerror or "it cannot be read", client=client)
        return Value(path, text, sid, written_ns=(written - _EPOCH) * _TICK_NS, client=client)

    def _text(value: object, kind: int) -> str | None:
        return value if kind in (winreg.REG_SZ, winreg.REG_EXPAND_SZ) and isinstance(value, str) else None

    def _all(key: winreg.HKEYType) -> str:
        values = [winreg.EnumValue(key, at) for at in range(winreg.QueryInfoKey(key)[1])]
        return json.dumps({name: value for name, value, _ in values if isinstance(value, str | int)})

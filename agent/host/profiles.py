"""The profiles of a running Windows: the homes of all people who ever logged in, wherever they are kept."""

import sys

from agent.host.stores import profile_of

_LIST = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList"
_PEOPLE = ("S-1-5-21-", "S-1-12-1-")
"""How the SIDs of accounts begin: local and domain accounts, accounts of Entra ID."""


def profile_folders() -> tuple[str, ...]:
    """Return the folders that the registry names; nothing on other systems."""
    if sys.platform == "win32":
        import winreg  # noqa: PLC0415 - exists on Windows only

        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _LIST) as opened:
                sids = [winreg.EnumKey(opened, at) for at in range(winreg.QueryInfoKey(opened)[0])]
        except OSError:
            return ()
        return tuple(home for sid in sids if sid.startswith(_PEOPLE) and (home := profile_of(sid)) is not None)
    return ()

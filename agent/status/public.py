"""Writes the public part of the status where everybody on the device can read it, and nobody but administrators write it.

`public/status.json` in the state folder is for everybody. `public/users/<uid>.json` is that user's own, and only
that user's `status` believes it. The state folder lets others pass and not list; all else in it stays 0600.
"""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from agent.host.machine import own_folder
from agent.host.replacing import replace_file
from agent.status.document import FILE_NAME

FOLDER = "public"
_USERS = "users"
_PASSED = 0o711
"""Others pass through, and list nothing."""


def public_folder(state: Path) -> Path:
    """Return where the public part lies."""
    return state / FOLDER


def user_file(state: Path, uid: int) -> Path:
    """Return where the part of one user lies."""
    return state / FOLDER / _USERS / f"{uid}.json"


def write_public(state: Path, payload: bytes, users: Mapping[int, bytes]) -> str | None:
    """Replace the public part by `payload`, and the users' parts by `users` (by uid); drop those of users who are gone.

    Return what others could do in the state folder until now, as `own_folder` does.

    Where the system has no uids, or this process may not give files away, users get none: they see the public part alone.

    Raises:
        OSError: the folder cannot be written; what could not be replaced stays.
    """
    folder, own = state / FOLDER, state / FOLDER / _USERS
    exposed = own_folder(state, _PASSED)
    for path, mode in ((folder, 0o755), (own, _PASSED)):
        path.mkdir(exist_ok=True)
        path.chmod(mode)
    replace_file(folder / FILE_NAME, payload, mode=0o644)
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return exposed
    for uid, part in users.items():
        replace_file(user_file(state, uid), part, mode=0o400, owner=uid)
    for path in own.iterdir():
        if path.name not in {f"{uid}.json" for uid in users}:
            with contextlib.suppress(OSError):
                path.unlink()
    return exposed

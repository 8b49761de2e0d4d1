"""Which mounted file system a path stands on, and who rules there besides this machine's root: from `/proc/self/mountinfo`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs"})
_OWNED_BY_OPTION = frozenset({"vfat", "exfat", "ntfs", "ntfs3", "hfs", "hfsplus", "cifs", "smb3"})
_ESCAPE = re.compile(r"\\([0-7]{3})")
_FIELDS_BEFORE, _FIELDS_AFTER = 6, 3


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount: where, of which type, with which options."""

    at: str
    kind: str
    options: frozenset[str]


def read_mounts(mountinfo: str) -> tuple[Mount, ...]:
    """Return the mounts in the order in which they were made; lines that are none are passed over."""
    found = []
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        first, last = before.split(), after.split()
        if len(first) >= _FIELDS_BEFORE and len(last) >= _FIELDS_AFTER:
            at = _ESCAPE.sub(lambda match: chr(int(match[1], 8)), first[4])
            found.append(Mount(at, last[0], frozenset([*first[5].split(","), *last[2].split(",")])))
    return tuple(found)


def ruler(mounts: Sequence[Mount], path: str) -> str | None:
    """Say who besides root may change what stands at `path`, because of the file system that it is on; None: nobody."""
    mount = None
    for candidate in mounts:
        at = candidate.at.rstrip("/")
        if (path == at or path.startswith(at + "/")) and (mount is None or len(at) >= len(mount.at.rstrip("/"))):
            mount = candidate  # of two at the same place the later one is on top
    if mount is None:
        return None
    if mount.kind.split(".")[0] in ("fuse", "fuseblk"):
        uid = _number(mount, "user_id")
        if uid not in (None, 0):
            return f"uid {uid}, whose program provides the file system mounted at {mount.at}"
    if mount.kind in _NETWORK:
        return f"whoever rules the server of the network file system mounted at {mount.at}"
    uid = _number(mount, "uid")
    if mount.kind in _OWNED_BY_OPTION and uid not in (None, 0):
        return f"uid {uid}, to whom everything on the file system mounted at {mount.at} belongs"
    if mount.options & {"user", "users"}:
        return f"any user, who may mount something else at {mount.at}"
    return None


def _number(mount: Mount, name: str) -> int | None:
    values = [option.partition("=")[2] for option in mount.options if option.startswith(f"{name}=")]
    return int(values[0]) if values and values[0].isdecimal() else None

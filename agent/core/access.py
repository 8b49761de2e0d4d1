"""Who may read or change a file, judged from the facts that a walk collected: mode bits, owner, group.

Access control lists are not in the facts: a mask that they widen shows in the group bits on Linux, other systems' lists do not.
"""

from agent.core.place import Facts, User

_READ, _WRITE, _SEARCH = 4, 2, 1
_STICKY = 0o1000


def may_read(access: tuple[Facts, ...], user: User) -> bool:
    """Say whether `user` could open the last file of `access` for reading: every folder searchable, the file readable.

    A user without a known uid (Windows) is taken to be able: there the facts carry no such bits.
    """
    if user.uid is None or user.uid == 0:
        return True
    *way, last = access or (Facts("/", "folder", 0o755),)
    return all(_permits(folder, user, _SEARCH) for folder in way if folder.kind == "folder") and _permits(
        last, user, _READ if last.kind != "folder" else _READ | _SEARCH
    )


def may_reach(access: tuple[Facts, ...], user: User) -> bool:
    """Say whether `user` could learn that the last file of `access` is there: every folder on the way is searchable."""
    if user.uid is None or user.uid == 0:
        return True
    return all(_permits(folder, user, _SEARCH) for folder in access[:-1] if folder.kind == "folder")


def writers(access: tuple[Facts, ...]) -> tuple[str, ...]:
    """Say in words who besides administrators (uid 0) could change the last file of `access`, or replace it by a folder above.

    A world- or group-writable folder with the sticky bit lets nobody replace what root owns in it.
    """
    found: list[str] = []
    for facts in access:
        if facts.kind == "link":
            continue  # a link's own mode says nothing; the folder that holds it is in the walk
        what = "the folder" if facts.kind == "folder" else "the file"
        if facts.uid != 0:
            found.append(f"{what} {facts.path} belongs to uid {facts.uid}, who can change it")
        sticky = facts.kind == "folder" and facts.mode & _STICKY
        if facts.mode & 0o002 and not sticky:
            found.append(f"{what} {facts.path} can be written by everyone (mode {facts.mode:04o})")
        elif facts.mode & 0o020 and facts.gid != 0 and not sticky:
            found.append(f"{what} {facts.path} can be written by group {facts.gid} (mode {facts.mode:04o})")
    return tuple(found)


def _permits(facts: Facts, user: User, bits: int) -> bool:
    if facts.uid == user.uid:
        granted = facts.mode >> 6
    elif facts.gid in user.gids:
        granted = facts.mode >> 3
    else:
        granted = facts.mode
    return granted & bits == bits

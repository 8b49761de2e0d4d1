"""Who may read or change a file, judged from the facts that a walk collected: mode bits, owner, group.

Who may change a thing by an access control list comes beside the facts, as guards; who may read it by one is in the facts, where
a look asked for it, as `ManagedSource` does.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from agent.core.accounts import Accounts
from agent.core.acl import Guard
from agent.core.place import Facts, Os, User

NO_GUARDS: Mapping[str, Guard] = MappingProxyType({})
NOBODY = Accounts()

_READ, _WRITE, _SEARCH = 4, 2, 1
_STICKY = 0o1000
_CALLED = {"folder": "folder", "key": "registry value"}


def may_read(access: tuple[Facts, ...], user: User) -> bool:
    """Say whether `user` could open the last file of `access` for reading: every folder searchable, the file readable.

    A user without a known uid (Windows) is taken to be able unless the list says no: there the facts carry no such bits.
    """
    if user.uid is None:
        last = access[-1] if access else None
        return last is None or last.rights is None or last.rights.permits(last, user, _READ) is not False
    if user.uid == 0:
        return True
    *way, file = access or (Facts("/", "folder", 0o755),)
    return all(_permits(folder, user, _SEARCH) for folder in way if folder.kind == "folder") and _permits(
        file, user, _READ if file.kind != "folder" else _READ | _SEARCH
    )


def owner_and_mode(facts: Facts | None, guards: Mapping[str, Guard], os: Os) -> tuple[str | None, str | None]:
    """Return owner and mode as people read them, None for what is not known.

    Windows has no modes, and names in place of numbers: the owner is known from the security descriptor alone.
    """
    if facts is None:
        return None, None
    guard = guards.get(facts.path)
    if guard is not None and guard.owner is not None:
        return guard.owner, None
    return (None, None) if os == "windows" else (f"uid {facts.uid}", f"{facts.mode:04o}")


_LOCKS = {
    "uchg": "its owner or root",
    "schg": "root in single-user mode or recovery",
    "uappnd": "its owner or root",
    "sappnd": "root in single-user mode or recovery",
}


def locks(access: tuple[Facts, ...], guards: Mapping[str, Guard]) -> Iterator[str]:
    """Say which file flags (macOS) on the way let nobody change anything, an administrator and the MDM included."""
    for facts in access:
        guard = guards.get(facts.path)
        for flag in guard.flags if guard is not None else ():
            if flag in _LOCKS:
                what = f"The {_CALLED.get(facts.kind, 'file')} {facts.path} has the flag {flag}"
                yield f"{what}: nobody can change it, not the MDM either, before {_LOCKS[flag]} takes it off."


def protection(owner: str | None, mode: str | None) -> str:
    """Return owner and mode as evidence shows them."""
    known = [f"owner {owner}"] if owner is not None else ["owner unknown"]
    return " ".join([*known, *([f"mode {mode}"] if mode is not None else [])])


def may_reach(access: tuple[Facts, ...], user: User) -> bool:
    """Say whether `user` could learn that the last file of `access` is there: every folder on the way is searchable."""
    if user.uid is None or user.uid == 0:
        return True
    return all(_permits(folder, user, _SEARCH) for folder in access[:-1] if folder.kind == "folder")


def writers(
    access: tuple[Facts, ...], guards: Mapping[str, Guard] = NO_GUARDS, accounts: Accounts = NOBODY
) -> tuple[str, ...]:
    """Say in words who besides administrators (uid 0) could change the last file of `access`, or replace it by a folder above.

    `guards` are the access control lists and the like, by path. A world- or group-writable folder with the sticky bit lets nobody
    replace what root owns in it.
    """
    found: list[str] = []
    for facts in access:
        if facts.kind != "link":  # a link's own mode says nothing; the folder that holds it is in the walk
            found += _writers(facts, guards.get(facts.path), accounts)
    return tuple(dict.fromkeys(found))


def _writers(facts: Facts, guard: Guard | None, accounts: Accounts) -> Iterator[str]:
    what = f"the {_CALLED.get(facts.kind, 'file')} {facts.path}"
    if facts.uid != 0:
        yield f"{what} belongs to {accounts.user(facts.uid)}, who can change it"
    by_group = bool(facts.mode & 0o020) if guard is None or guard.group_writes is None else guard.group_writes
    mode = f"(mode {facts.mode:04o})"
    if not (facts.kind == "folder" and facts.mode & _STICKY):
        if facts.mode & 0o002:
            yield f"{what} can be written by everyone {mode}"
        elif by_group and facts.gid != 0:
            yield f"{what} can be written by {accounts.group(facts.gid)} {mode}"
        for uid in guard.users if guard is not None else ():
            yield f"{what} can be written by {accounts.user(uid)}, by its access control list"
        for gid in guard.groups if guard is not None else ():
            yield f"{what} can be written by {accounts.group(gid)}, by its access control list"
    for who in guard.others if guard is not None else ():
        yield f"{what} can be changed by {who}"


def leads_out(access: tuple[Facts, ...], path: str, folder: str) -> str | None:
    """Say where the file `path` of the managed `folder` really is, if a link in or at that folder leads out of it."""
    if not access or access[-1].path == path:
        return None
    links = [facts.path for facts in access if facts.kind == "link" and _below(facts.path, folder)]
    if not links or _below(access[-1].path, folder):
        return None
    return f"{links[0]} is a link out of the managed folder, to {access[-1].path}"


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith((folder + "/", folder + "\\"))


def _permits(facts: Facts, user: User, bits: int) -> bool:
    by_list = facts.rights.permits(facts, user, bits) if facts.rights is not None else None
    if by_list is not None:
        return by_list
    if facts.uid == user.uid:
        granted = facts.mode >> 6
    elif facts.gid in user.gids:
        granted = facts.mode >> 3
    else:
        granted = facts.mode
    return granted & bits == bits

"""Who may read by an access control list, where it says something else than the mode.

Each answers for one user and the bits read (4), write (2) and search (1): yes, no, or None where the list leaves it to the mode.
"""

from dataclasses import dataclass

from agent.core.place import Facts, User

_READ = 4


@dataclass(frozen=True, slots=True)
class PosixRights:
    """A list of POSIX.1e as acl(5) evaluates it: the owner, named users, all groups together, the others.

    `users` and `groups` pair a number with its rights.
    """

    users: tuple[tuple[int, int], ...]
    groups: tuple[tuple[int, int], ...]
    owning_group: int
    mask: int

    def permits(self, facts: Facts, user: User, bits: int) -> bool | None:
        """Say what the list says; owner and others are in the mode."""
        if user.uid is None or facts.uid == user.uid:
            return None
        for uid, granted in self.users:
            if uid == user.uid:
                return granted & self.mask & bits == bits
        found = [granted for gid, granted in self.groups if gid in user.gids]
        found += [self.owning_group] if facts.gid in user.gids else []
        return any(granted & self.mask & bits == bits for granted in found) if found else None


@dataclass(frozen=True, slots=True)
class WindowsRights:
    """A descriptor, of which only this is asked: is there an entry by which a user who is no administrator could read.

    Which groups a user is in is not known, so an entry for any account counts; folders on the way do not, as every user may
    traverse them (SeChangeNotifyPrivilege).
    """

    readable: bool

    def permits(self, facts: Facts, user: User, bits: int) -> bool | None:
        """Say no where nobody but administrators may read the file."""
        del user
        return None if self.readable or facts.kind == "folder" or not bits & _READ else False


@dataclass(frozen=True, slots=True)
class MacosRights:
    """Entries as `ls -lde` shows them, in order; the first that names the user and the right decides."""

    entries: tuple[tuple[str, bool, frozenset[str]], ...]

    def permits(self, facts: Facts, user: User, bits: int) -> bool | None:
        """Say what the first fitting entry says."""
        right = {True: "read", False: "execute"}[bool(bits & _READ)]
        names = {right, {"read": "list", "execute": "search"}[right]} if facts.kind == "folder" else {right}
        own = {
            f"user:{user.name}",
            "group:everyone",
            *(_MACOS_GROUPS[gid] for gid in user.gids if gid in _MACOS_GROUPS),
        }
        return next((allows for who, allows, rights in self.entries if who in own and rights & names), None)


_MACOS_GROUPS = {20: "group:staff", 80: "group:admin"}

"""Who the numbers are: users and groups by uid and gid, from the account files of the examined machine."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_PASSWD_FIELDS, _GROUP_FIELDS = 7, 4
_UNASKED = "they may become root, and here no program of theirs need even ask for a password"
_POWERS: Mapping[tuple[str, int | None], str] = {
    ("sudo", None): _UNASKED,
    ("wheel", None): _UNASKED,
    ("admin", None): _UNASKED,
    ("staff", 20): "on a Mac that is every user",
    ("adm", None): "they are meant to read logs, not to write here",
    ("docker", None): "they can be root by what it lets them do",
    ("lxd", None): "they can be root by what it lets them do",
    ("disk", None): "they can write the disk itself",
}
"""What it means to be in a group that systems bring along, by name and, where names mean different things, number."""


@dataclass(frozen=True, slots=True)
class Group:
    """A group's name and everybody in it, also those whose own group it is."""

    name: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Accounts:
    """Users and groups that the account files name; a directory service may know more."""

    users: Mapping[int, str] = field(default_factory=dict)
    groups: Mapping[int, Group] = field(default_factory=dict)

    def user(self, uid: int) -> str:
        """Return how to call the user: `ann (uid 1000)`, or `uid 1000`."""
        name = self.users.get(uid)
        return f"uid {uid}" if name is None else f"{name} (uid {uid})"

    def group(self, gid: int) -> str:
        """Return how to call the group, with who is in it."""
        group = self.groups.get(gid)
        if group is None:
            return f"group {gid}"
        who = f"whose members are {', '.join(group.members)}" if group.members else "which has no members in /etc/group"
        power = _POWERS.get((group.name, gid), _POWERS.get((group.name, None)))
        return f"group {group.name} (gid {gid}), {who}" + (f": {power}" if power is not None else "")


def read_accounts(passwd: Iterable[str], group: Iterable[str]) -> Accounts:
    """Return what the lines of `/etc/passwd` and `/etc/group` say; those that are none are passed over."""
    people = [line for line in _lines(passwd, _PASSWD_FIELDS) if line[2].isdecimal() and line[3].isdecimal()]
    users: dict[int, str] = {}
    for line in people:
        users.setdefault(int(line[2]), line[0])
    groups: dict[int, Group] = {}
    for line in _lines(group, _GROUP_FIELDS):
        if line[2].isdecimal():
            gid = int(line[2])
            own = (person[0] for person in people if int(person[3]) == gid)
            groups.setdefault(gid, Group(line[0], tuple(dict.fromkeys([*filter(None, line[3].split(",")), *own]))))
    return Accounts(users, groups)


def _lines(rows: Iterable[str], fields: int) -> Iterable[list[str]]:
    return (line for row in rows if len(line := row.split(":")) == fields)

"""The accounts of the examined machine that have a home: from the account files and from the disk.

The name service is not asked: a directory that does not answer must not stop the agent. Accounts of a directory are found by
their homes on the disk instead, with the owner of the home as uid.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.core.place import Facts, Names, Os, Trouble, Unreadable, User
from agent.host.account_files import group_lines, passwd_lines
from agent.host.files import RootedFiles
from agent.ports import Files

_HOMES: dict[Os, tuple[str, ...]] = {"linux": ("/home",), "macos": ("/Users",), "windows": ("C:\\Users",)}
_ROOT_HOMES: dict[Os, tuple[str, ...]] = {"linux": ("/root",), "macos": ("/var/root",), "windows": ()}
_NOBODY: dict[Os, frozenset[str]] = {
    "linux": frozenset({"lost+found"}),
    "macos": frozenset({"shared"}),
    "windows": frozenset({"public", "default", "default user", "all users", "defaultuser0", "wdagutilityaccount"}),
}
_FIRST_PERSON = {"linux": 1000, "macos": 500, "windows": 0}
_NOBODY_UIDS = frozenset({65534, 4294967294})
_NO_LOGIN = ("/nologin", "/false", "/sync", "/halt", "/shutdown")
_FIELDS = 7
_HOME_FILES = frozenset({".bashrc", ".profile", ".config", ".cache", ".local", ".claude.json", ".zshrc", "Library"})
_UNKNOWN_S = 30.0
MAX_NESTED = 500
"""Homes of one domain that are looked for."""


@dataclass(frozen=True, slots=True)
class _Account:
    """One line of `passwd`."""

    name: str
    uid: int
    gid: int
    home: str
    shell: str


def _no_profiles() -> Sequence[str]:
    return ()


class HomeUsers:
    """Every account with a home; `only` limits them to these names. `profiles` gives the homes that Windows' registry names."""

    def __init__(
        self, files: Files, only: Sequence[str] = (), profiles: Callable[[], Sequence[str]] = _no_profiles
    ) -> None:
        self._files = files
        self._only, self._profiles = tuple(only), profiles
        self._known_homes: frozenset[str] = frozenset()

    def users(self) -> tuple[User, ...]:
        """Return the users, sorted by home. A home that may not be read is a home: coverage will say so."""
        return tuple(user for user in self._all() if not self._only or self._called(user.name))

    def unknown(self) -> tuple[str, ...]:
        """Return the names in `only` that no user of this machine has."""
        known = [user.name for user in self._all()]
        return tuple(name for name in self._only if not any(self._same(name, other) for other in known))

    def names(self) -> dict[int, str]:
        """Return the name of every account that the account files have, and of every user with a home."""
        owners = {user.uid: user.name for user in self._all() if user.uid is not None}
        return {**owners, **{account.uid: account.name for account in reversed(self._accounts())}}

    def folders(self) -> tuple[str, ...]:
        """Return the folders in which a new user's home would appear."""
        return _HOMES[self._files.os]

    def _called(self, name: str) -> bool:
        return any(self._same(name, wanted) for wanted in self._only)

    def _same(self, one: str, other: str) -> bool:
        return one.casefold() == other.casefold() if self._files.os == "windows" else one == other

    def _all(self) -> list[User]:
        accounts = self._accounts()
        self._known_homes = frozenset(account.home for account in accounts)
        groups = self._groups()
        by_home: dict[str, _Account] = {}
        for account in accounts:
            by_home.setdefault(account.home, account)
        found: dict[str, User] = {}
        for home in [*self._homes(), *(account.home for account in accounts if self._is_person(account))]:
            facts = self._folder(home) if home not in found else None
            if facts is not None:
                found[home] = self._user(home, facts, by_home.get(home), groups)
        return _named_once([found[home] for home in sorted(found)])

    def _user(self, home: str, facts: Facts, account: _Account | None, groups: dict[str, frozenset[int]]) -> User:
        if self._files.os == "windows":
            return User(home.rsplit("\\", 1)[-1], home)
        if account is None:
            name = home.rsplit("/", 1)[-1]
            return User(name, home, facts.uid, frozenset({facts.gid}) | groups.get(name, frozenset()))
        gids = frozenset({account.gid}) | groups.get(account.name, frozenset())
        return User(account.name, home, account.uid, gids)

    def _homes(self) -> Iterator[str]:
        os = self._files.os
        yield from _ROOT_HOMES[os]
        for folder in _HOMES[os]:
            listing = self._files.names(folder)
            for name in listing.names if isinstance(listing, Names) else ():
                if name.casefold() not in _NOBODY[os] and not name.startswith("."):
                    home = folder + ("\\" if os == "windows" else "/") + name
                    yield from self._homes_in(home) or (home,)
        yield from self._profiles()

    def _homes_in(self, folder: str) -> list[str]:
        """Return the homes in a folder that is none itself, as /home/DOMAIN of a directory: root's, with folders of others."""
        if self._files.os == "windows" or folder in self._known_homes:
            return []
        listing = self._files.names(folder)
        if not isinstance(listing, Names) or listing.access[-1].uid != 0:
            return []
        found: list[str] = []
        for name in listing.names[:MAX_NESTED] if not any(name in _HOME_FILES for name in listing.names) else ():
            facts = self._folder(f"{folder}/{name}")
            if facts is not None and facts.uid >= _FIRST_PERSON[self._files.os] and not name.startswith("."):
                found.append(f"{folder}/{name}")
        return found

    def _folder(self, path: str) -> Facts | None:
        """Return the facts of the home folder; of what was seen of it, where it may not be entered; None if it is none."""
        listing = self._files.names(path)
        if isinstance(listing, Names):
            return listing.access[-1]
        if isinstance(listing, Unreadable) and listing.access and listing.access[-1].path == path:
            return listing.access[-1] if listing.access[-1].kind == "folder" else None
        if isinstance(listing, Unreadable) and listing.trouble in (Trouble.FOREIGN, Trouble.TIMED_OUT):
            return Facts(
                path, "folder"
            )  # a home on a share, which is not entered or silent: its user is there all the same
        return None

    def _is_person(self, account: _Account) -> bool:
        return (
            account.uid >= _FIRST_PERSON[self._files.os]
            and account.uid not in _NOBODY_UIDS
            and account.home.startswith("/")
            and account.home != "/"
            and not account.shell.endswith(_NO_LOGIN)
        )

    def _accounts(self) -> list[_Account]:
        found: list[_Account] = []
        for line in passwd_lines(self._files):
            fields = line.split(":")
            if len(fields) == _FIELDS and fields[2].isdecimal() and fields[3].isdecimal():
                home = fields[5].rstrip("/") or "/"
                found.append(_Account(fields[0], int(fields[2]), int(fields[3]), home, fields[6]))
        return found

    def _groups(self) -> dict[str, frozenset[int]]:
        found: dict[str, frozenset[int]] = {}
        for line in group_lines(self._files):
            fields = line.split(":")
            if len(fields) == len(("name", "password", "gid", "members")) and fields[2].isdecimal():
                for member in filter(None, fields[3].split(",")):
                    found[member] = found.get(member, frozenset()) | {int(fields[2])}
        return found


class AccountNames:
    """Tells who a uid is, by the account files and the homes of this machine; who is in neither is called by the number.

    What was found is kept; an unknown uid is looked for again after a while, as its home may only just be made.
    """

    def __init__(self, users: HomeUsers | None = None, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._users = users or HomeUsers(RootedFiles(Path("/"), "macos" if sys.platform == "darwin" else "linux"))
        self._monotonic = monotonic
        self._names: Mapping[int, str] = {}
        self._unknown: dict[int, float] = {}

    def __call__(self, uid: int) -> str:
        """Return the name of the account."""
        now = self._monotonic()
        if uid not in self._names and now >= self._unknown.get(uid, now):
            self._names = self._users.names()
            self._unknown = {} if uid in self._names else {**self._unknown, uid: now + _UNKNOWN_S}
        return self._names.get(uid, str(uid))


def _named_once(users: list[User]) -> list[User]:
    """Give a user whose name is taken the home as name: two partitions may not share a mailbox slot."""
    taken: set[str] = set()
    result: list[User] = []
    for user in users:
        name = user.name if user.name not in taken else user.home
        taken.add(name)
        result.append(User(name, user.home, user.uid, user.gids))
    return result

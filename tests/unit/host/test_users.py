"""Who is looked at: local accounts, accounts of a directory that left only a home, and nobody else."""

import plistlib

import pytest

from agent.core.place import Trouble, User
from agent.host.users import AccountNames, HomeUsers
from agent.sources.managed import accounts_of
from tests.sim.files import Node, Tree

PASSWD = """\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1::/usr/sbin:/usr/sbin/nologin
postgres:x:101:104::/var/lib/postgresql:/bin/bash
ann:x:1000:1000:Ann:/home/ann:/bin/bash
ben:x:1001:1001::/srv/people/ben/:/bin/zsh
svc:x:1002:1002::/srv/svc:/usr/sbin/nologin
gone:x:1003:1003::/home/gone:/bin/bash
nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin
broken line
"""
GROUP = "ann:x:1000:\nsudo:x:27:ann,ben\ndocker:x:999:ann\n"


def linux() -> Tree:
    return Tree(
        {
            "/etc/passwd": PASSWD,
            "/etc/group": GROUP,
            "/root": Node.folder(0o700),
            "/home/ann": Node.folder(0o750, 1000, 1000),
            "/home/directory.user": Node.folder(0o700, 70001, 70000),
            "/home/lost+found": Node.folder(0o700),
            "/home/.snapshots": Node.folder(),
            "/home/readme.txt": "a file",
            "/srv/people/ben": Node.folder(0o750, 1001, 1001),
            "/srv/svc": Node.folder(),
            "/var/lib/postgresql": Node.folder(),
        }
    )


def test_accounts_and_homes_on_disk_are_users_and_system_accounts_are_not() -> None:
    assert HomeUsers(linux()).users() == (
        User("ann", "/home/ann", 1000, frozenset({1000, 27, 999})),
        User("directory.user", "/home/directory.user", 70001, frozenset({70000})),
        User("root", "/root", 0, frozenset({0})),
        User("ben", "/srv/people/ben", 1001, frozenset({1001, 27})),
    )


def test_without_account_files_the_owner_of_the_home_is_the_user() -> None:
    tree = Tree({"/Users/ann": Node.folder(0o750, 501, 20), "/Users/Shared": Node.folder()}, os="macos")
    assert HomeUsers(tree).users() == (User("ann", "/Users/ann", 501, frozenset({20})),)


def test_windows_users_are_the_profiles_of_people() -> None:
    tree = Tree(dict.fromkeys(["C:\\Users\\Ann\\x", "C:\\Users\\Public\\x", "C:\\Users\\Default\\x"], ""), os="windows")
    assert HomeUsers(tree).users() == (User("Ann", "C:\\Users\\Ann"),)
    assert HomeUsers(tree, ["ann"]).users() == (User("Ann", "C:\\Users\\Ann"),)


def test_a_home_that_may_not_be_listed_is_still_a_home() -> None:
    tree = Tree({"/home/ann": Node("folder", mode=0o700, uid=1000, gid=1000, trouble=Trouble.DENIED)})
    assert [user.uid for user in HomeUsers(tree).users()] == [1000]


def test_a_filter_keeps_the_named_and_says_which_names_nobody_has() -> None:
    users = HomeUsers(linux(), ["ann", "zoe"])
    assert [user.name for user in users.users()] == ["ann"]
    assert users.unknown() == ("zoe",)


def test_two_homes_of_the_same_name_stay_two_users() -> None:
    tree = Tree({"/etc/passwd": "ann:x:1000:1000::/srv/ann:/bin/sh\n", "/home/ann/x": "", "/srv/ann/x": ""})
    assert [user.name for user in HomeUsers(tree).users()] == ["ann", "/srv/ann"]


def test_homes_of_a_directorys_domain_are_found_below_its_folder() -> None:
    tree = Tree(
        {
            "/home/CORP": Node.folder(0o755, 0),
            "/home/CORP/ann": Node.folder(0o700, 70001, 70001),
            "/home/CORP/ben": Node.folder(0o700, 70002, 70002),
            "/home/CORP/notes.txt": "",
            "/home/carl": Node.folder(0o700, 1000, 1000),
            "/home/carl/work": Node.folder(0o755, 1000),
        }
    )
    assert [(user.name, user.home, user.uid) for user in HomeUsers(tree).users()] == [
        ("ann", "/home/CORP/ann", 70001),
        ("ben", "/home/CORP/ben", 70002),
        ("carl", "/home/carl", 1000),
    ]


def test_a_uid_is_named_by_the_account_files_or_by_the_home_and_nobody_else_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tree = Tree({"/etc/passwd": "root:x:0:0::/root:/bin/sh\ndaemon:x:1:1::/:/bin/false\n"})
    tree.put("/home/CORP/eve", Node.folder(0o700, 70001, 70001))
    pwd = pytest.importorskip("pwd")
    monkeypatch.setattr(pwd, "getpwuid", lambda _: pytest.fail("the name service was asked"))
    at = [0.0]
    names = AccountNames(HomeUsers(tree), lambda: at[0])
    assert [names(uid) for uid in (0, 1, 70001, 4)] == ["root", "daemon", "eve", "4"]
    tree.put("/home/new", Node.folder(0o700, 4, 4))
    assert names(4) == "4", "not asked again at once"
    at[0] = 31.0
    assert names(4) == "new"


@pytest.mark.parametrize("form", [plistlib.FMT_BINARY, plistlib.FMT_XML])
def test_the_accounts_of_macos_stand_in_a_file_each_those_of_a_directory_included(form: plistlib.PlistFormat) -> None:
    def record(name: str, uid: str, home: str) -> bytes:
        value = {"name": [name, "Ann"], "uid": [uid], "gid": ["20"], "home": [home], "shell": ["/bin/zsh"]}
        return plistlib.dumps(value, fmt=form)

    records = "/var/db/dslocal/nodes/Default/users"
    tree = Tree(
        {
            f"{records}/ann.plist": record("ann", "501", "/Volumes/Data/ann"),
            f"{records}/_www.plist": record("_www", "70", "/Library/WebServer"),
            f"{records}/odd.plist": b"bplist00 nonsense",
            f"{records}/list.plist": plistlib.dumps(["x"]),
            "/Volumes/Data/ann": Node.folder(0o700, 501, 20),
            "/Users/ben": Node.folder(0o700, 502, 20),
        },
        os="macos",
    )
    users = {user.home: (user.name, user.uid) for user in HomeUsers(tree).users()}
    assert users == {"/Volumes/Data/ann": ("ann", 501), "/Users/ben": ("ben", 502)}


def test_groups_of_macos_stand_in_records_too_and_decide_who_may_read() -> None:
    base = "/var/db/dslocal/nodes/Default"
    ann = {"name": ["ann"], "uid": ["501"], "gid": ["20"], "home": ["/Users/ann"]}
    admin = {"name": ["admin", "BUILTIN\\Administrators"], "gid": ["80"], "users": ["root", "ann"]}
    odd = {"name": ["odd:x:0:ann"], "gid": ["81"], "users": ["ann"]}
    tree = Tree(
        {
            f"{base}/users/ann.plist": plistlib.dumps(ann),
            f"{base}/groups/admin.plist": plistlib.dumps(admin),
            f"{base}/groups/odd.plist": plistlib.dumps(odd),
            f"{base}/groups/_www.plist": plistlib.dumps({**admin, "name": ["_www"], "gid": ["70"]}),
            "/etc/group": "admin:*:80:root\n",
            "/Users/ann": Node.folder(0o700, 501, 20),
        },
        os="macos",
    )
    (user,) = HomeUsers(tree).users()
    assert user.gids == {20, 80}
    assert (
        accounts_of(tree)
        .group(80)
        .startswith("group admin (gid 80), whose members are root, ann: they may become root")
    )
    assert accounts_of(tree).user(501) == "ann (uid 501)"


def test_profiles_that_windows_keeps_elsewhere_are_homes_too() -> None:
    tree = Tree({"C:\\Users\\ann": Node.folder(), "C:\\Profiles\\eve": Node.folder()}, os="windows")
    homes = ("C:\\Users\\ann", "C:\\Profiles\\eve", "C:\\Profiles\\gone")
    assert [user.name for user in HomeUsers(tree, profiles=lambda: homes).users()] == ["eve", "ann"]

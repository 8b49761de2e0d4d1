import struct
from dataclasses import replace

import pytest

from agent.core.accounts import Accounts, Group, read_accounts
from agent.core.acl import KEY_CHANGES, Guard, ls_guard, posix_guard, sddl_guard


def listed(*entries: tuple[int, int, int]) -> bytes:
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


NONE = 0xFFFFFFFF
BASE = ((0x01, 6, NONE), (0x04, 4, NONE), (0x20, 4, NONE))


def test_a_user_and_a_group_whom_the_list_lets_write_are_found() -> None:
    guard = posix_guard(listed(*BASE, (0x02, 7, 1000), (0x08, 6, 27), (0x10, 7, NONE)))
    assert replace(guard, rights=None) == Guard(users=(1000,), groups=(27,), group_writes=False)


def test_what_the_mask_takes_away_is_not_granted() -> None:
    guard = posix_guard(listed(*BASE, (0x02, 7, 1000), (0x10, 4, NONE)))
    assert replace(guard, rights=None) == Guard(group_writes=False)


def test_the_mask_in_the_mode_is_not_the_groups_right() -> None:
    writes = posix_guard(listed((0x01, 6, NONE), (0x04, 6, NONE), (0x10, 6, NONE)))
    assert writes.group_writes is True


@pytest.mark.parametrize("raw", [b"", b"\x01\x00\x00\x00", b"\x02\x00\x00\x00abc"])
def test_a_list_of_unknown_form_is_not_taken_for_none(raw: bytes) -> None:
    assert posix_guard(raw).others


@pytest.mark.parametrize(
    ("sddl", "who"),
    [
        ("O:BAG:SYD:PAI(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x1200a9;;;BU)", ()),
        ("O:SYD:AI(A;ID;0x1301bf;;;AU)(A;;FA;;;SY)", ("everyone who is logged on",)),
        ("O:BAD:(A;OICI;FA;;;WD)", ("everyone",)),
        ("O:BAD:(A;;FR;;;WD)(A;OICIIO;GA;;;BU)", ()),
        ("O:BAD:(A;;FW;;;BU)", ("all users of this machine",)),
        ("O:BAD:(D;;FA;;;WD)(A;;FR;;;BU)", ()),
        ("O:S-1-5-21-1-2-3-1001D:(A;;FA;;;BA)", ("S-1-5-21-1-2-3-1001, who owns it",)),
        ("O:BAD:(A;;0x6;;;S-1-5-21-1-2-3-1001)", ("S-1-5-21-1-2-3-1001",)),
        ("O:BAD:NO_ACCESS_CONTROL", ("everyone, as there is no access control list",)),
        ("O:BA", ("everyone, as there is no access control list",)),
        ("O:BAD:(A;;ZZ;;;BU)", ("all users of this machine",)),
        ("O:BAD:(XA;;FA;;;BU;(Exists x))", ("all users of this machine",)),
    ],
)
def test_a_windows_descriptor_tells_who_may_change_the_file(sddl: str, who: tuple[str, ...]) -> None:
    assert sddl_guard(sddl).others == who


def test_what_reads_a_registry_key_is_no_right_to_change_it() -> None:
    assert sddl_guard("O:BAD:P(A;;KA;;;SY)(A;;KR;;;BU)", changes=KEY_CHANGES).others == ()
    assert sddl_guard("O:BAD:P(A;;KA;;;SY)(A;;KRKW;;;BU)", changes=KEY_CHANGES).others == ("all users of this machine",)


MACOS = """-rw-r--r--@ 1 root  wheel  123 Nov  1 10:00 /Library/Application Support/ClaudeCode/managed-settings.json
 0: user:ann allow read,write,append
 1: group:everyone deny delete
 2: group:staff inherited allow add_file,delete_child
 3: group:wheel allow write
 4: user:bob allow read,readattr
 5: group:admin allow write,only_inherit
"""


def test_the_entries_that_ls_prints_on_a_mac_tell_who_may_change_the_file() -> None:
    assert ls_guard(MACOS).others == ("user ann", "group staff, which is every user of this Mac")


@pytest.mark.parametrize(
    ("line", "flags"),
    [
        ("-rw-r--r--@ 1 root  wheel  uchg 123 Nov  1 10:00 /Library/x 1 y", ("uchg",)),
        ("drwxr-xr-x+ 7 root  wheel  restricted,hidden 224 Jan  1  2020 /usr", ("restricted", "hidden")),
        ("-rw-r--r--  1 root  CORP\\Domain Users  schg,uappnd 0 Nov  1 10:00 /x", ("schg", "uappnd")),
        ("-rw-r--r--  1 root  wheel  - 123 Nov  1 10:00 /Library/x", ()),
        ("", ()),
    ],
)
def test_the_flags_that_ls_prints_on_a_mac_are_read(line: str, flags: tuple[str, ...]) -> None:
    assert ls_guard(line + "\n").flags == flags


def test_accounts_name_users_and_groups_with_their_members() -> None:
    accounts = read_accounts(
        ["root:x:0:0::/root:/bin/sh", "ann:x:1000:1000::/home/ann:/bin/sh", "broken"],
        ["dev:x:27:ann,bob", "ann:x:1000:"],
    )
    assert accounts == Accounts(
        {0: "root", 1000: "ann"}, {27: Group("dev", ("ann", "bob")), 1000: Group("ann", ("ann",))}
    )
    assert accounts.group(27) == "group dev (gid 27), whose members are ann, bob"
    assert (accounts.user(5), accounts.group(5)) == ("uid 5", "group 5")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("sudo:x:27:ann", "group sudo (gid 27), whose members are ann: they may become root, and here no program"),
        ("wheel:x:998:ann", "they may become root, and here no program of theirs need even ask for a password"),
        ("admin:x:80:root,ann", "whose members are root, ann: they may become root"),
        ("staff:x:20:", "on a Mac that is every user"),
        ("adm:x:4:ann", "they are meant to read logs"),
    ],
)
def test_what_the_members_of_a_group_of_the_system_can_do_is_said_in_words(line: str, words: str) -> None:
    gid = int(line.split(":")[2])
    assert words in read_accounts([], [line]).group(gid)


def test_a_group_that_happens_to_have_the_name_of_another_system_s_is_called_by_its_members_alone() -> None:
    assert read_accounts([], ["staff:x:50:ann"]).group(50) == "group staff (gid 50), whose members are ann"

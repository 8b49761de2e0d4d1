"""Who may read by an access control list, against the mode that the file shows."""

import struct
from dataclasses import replace

import pytest

from agent.core.access import may_read
from agent.core.acl import ls_guard, posix_guard, sddl_guard
from agent.core.place import Facts, User

ANN = User("ann", "/home/ann", 1000, frozenset({1000, 27}))
BOB = User("bob", "/home/bob", 1001, frozenset({1001}))
WINDOWS = User("ann", "C:\\Users\\ann")
OWNER, USER, GROUP_OBJ, GROUP, MASK, OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
NONE = 0xFFFFFFFF


def listed(mode: int, *entries: tuple[int, int, int]) -> tuple[Facts, ...]:
    raw = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    return (Facts("/", "folder", 0o755), Facts("/x", "file", mode, rights=posix_guard(raw).rights))


@pytest.mark.parametrize(
    ("mode", "entries", "ann", "bob"),
    [
        # setfacl -m u:ann:r on a file of mode 0600: the mask shows as the group's bits
        (
            0o640,
            [(OWNER, 6, NONE), (USER, 4, 1000), (GROUP_OBJ, 0, NONE), (MASK, 4, NONE), (OTHER, 0, NONE)],
            True,
            False,
        ),
        # setfacl -m u:ann:- on a file of mode 0644 shuts one user out, though everybody may read it by the mode
        (
            0o644,
            [(OWNER, 6, NONE), (USER, 0, 1000), (GROUP_OBJ, 4, NONE), (MASK, 4, NONE), (OTHER, 4, NONE)],
            False,
            True,
        ),
        # a named group without rights takes what the others have
        (
            0o644,
            [(OWNER, 6, NONE), (GROUP_OBJ, 4, NONE), (GROUP, 0, 27), (MASK, 4, NONE), (OTHER, 4, NONE)],
            False,
            True,
        ),
        # the mask takes what a named user has
        (
            0o600,
            [(OWNER, 6, NONE), (USER, 4, 1000), (GROUP_OBJ, 4, NONE), (MASK, 0, NONE), (OTHER, 0, NONE)],
            False,
            False,
        ),
    ],
    ids=["named user", "user shut out", "group shut out", "mask"],
)
def test_a_posix_list_is_evaluated_as_the_kernel_does(
    mode: int,
    entries: list[tuple[int, int, int]],
    ann: bool,  # noqa: FBT001
    bob: bool,  # noqa: FBT001
) -> None:
    access = listed(mode, *entries)
    assert (may_read(access, ANN), may_read(access, BOB)) == (ann, bob)


@pytest.mark.parametrize(
    ("sddl", "readable"),
    [
        ("O:BAD:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;BU)", True),
        ("O:BAD:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x1200a9;;;WD)", True),
        ("O:BAD:P(A;;FR;;;S-1-5-21-1-2-3-1001)", True),
        ("O:BAD:P(A;;FA;;;SY)(A;;FA;;;BA)", False),
        ("O:BAD:P(A;OICIIO;GR;;;BU)(A;;FA;;;BA)", False),
        ("O:BAD:P(D;;FR;;;WD)(A;;FR;;;BU)", False),
        ("O:BAD:P(A;;WO;;;BU)", False),
        ("O:BAD:NO_ACCESS_CONTROL", True),
    ],
)
def test_a_windows_file_binds_nobody_where_only_administrators_may_read_it(sddl: str, readable: bool) -> None:  # noqa: FBT001
    file = Facts("C:\\x", "file", rights=sddl_guard(sddl).rights)
    assert may_read((Facts("C:\\", "folder"), file), WINDOWS) == readable


def test_on_macos_the_first_entry_that_names_the_user_decides() -> None:
    shown = "-rw-r--r--+ 1 root  wheel  1 Nov  1 10:00 /x\n 0: user:ann deny read\n 1: group:everyone allow read\n"
    file = Facts("/x", "file", 0o600, rights=ls_guard(shown).rights)
    way = (Facts("/", "folder", 0o755), file)
    assert (may_read(way, ANN), may_read(way, BOB)) == (False, True)
    folder = "drwxr-xr-x+ 2 root  wheel  64 Nov  1 10:00 /f\n 0: user:ann deny list,search\n"
    shut = replace(way[0], path="/f", rights=ls_guard(folder).rights)
    assert (may_read((shut, Facts("/f/x", "file")), ANN), may_read((shut, Facts("/f/x", "file")), BOB)) == (False, True)

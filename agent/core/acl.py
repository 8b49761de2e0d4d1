"""Access control lists as each system states them → who besides administrators may change a file or folder.

Linux: the bytes of `system.posix_acl_access` (acl(5), version 2). Windows: a security descriptor in SDDL, as `icacls` and Get-Acl
know it. macOS: the lines that `ls -ldeO` prints of a file. Each parser answers for any input; what it does not understand that
could grant a right is told as unknown, never left out.
"""

import re
import struct
from dataclasses import dataclass
from typing import Final

from agent.core.place import Rights
from agent.core.rights import MacosRights, PosixRights, WindowsRights

_VERSION, _ENTRY = 2, struct.Struct("<HHI")
_USER, _GROUP_OBJ, _GROUP, _MASK = 0x02, 0x04, 0x08, 0x10
_WRITE = 2


@dataclass(frozen=True, slots=True)
class Guard:
    """What a system says of a file besides owner and mode.

    `users` and `groups` may write by an access control list; `others` says in words who else may, where the system knows names
    and no numbers. `group_writes` is what the list leaves of the owning group's right, None without a list. `rights` are
    its word on reading. `owner` is a name where owners are no numbers (Windows); such a file has no mode either. `flags` are the
    file flags of macOS.
    """

    users: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()
    others: tuple[str, ...] = ()
    group_writes: bool | None = None
    rights: Rights | None = None
    owner: str | None = None
    flags: tuple[str, ...] = ()


def posix_guard(raw: bytes) -> Guard:
    """Return what the extended attribute `system.posix_acl_access` grants."""
    if len(raw) < 4 or int.from_bytes(raw[:4], "little") != _VERSION or (len(raw) - 4) % _ENTRY.size:  # noqa: PLR2004
        return Guard(others=("an access control list of an unknown form",))
    entries = list(_ENTRY.iter_unpack(raw[4:]))
    mask = next((perm for tag, perm, _ in entries if tag == _MASK), 7)
    able = [(tag, who) for tag, perm, who in entries if perm & mask & _WRITE]
    return Guard(
        users=tuple(who for tag, who in able if tag == _USER and who != 0),
        groups=tuple(who for tag, who in able if tag == _GROUP and who != 0),
        group_writes=any(tag == _GROUP_OBJ for tag, _ in able),
        rights=PosixRights(
            users=tuple((who, perm) for tag, perm, who in entries if tag == _USER),
            groups=tuple((who, perm) for tag, perm, who in entries if tag == _GROUP),
            owning_group=next((perm for tag, perm, _ in entries if tag == _GROUP_OBJ), 0),
            mask=mask,
        ),
    )


# Administrators of Windows are no finding: a program of theirs has that right only after it was elevated, by consent (UAC).
_ADMINISTRATORS: Final = frozenset(
    {
        "SY",
        "BA",
        "LA",
        "DA",
        "EA",
        "CO",  # the creator's place-holder: what it grants shows as the creator's own entry
        "S-1-5-18",
        "S-1-5-32-544",
        "S-1-3-0",
        "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",  # TrustedInstaller
    }
)
_CALLED: Final = {
    "WD": "everyone",
    "S-1-1-0": "everyone",
    "BU": "all users of this machine",
    "S-1-5-32-545": "all users of this machine",
    "AU": "everyone who is logged on",
    "S-1-5-11": "everyone who is logged on",
    "IU": "everyone at this machine",
    "S-1-5-4": "everyone at this machine",
    "PU": "power users",
    "BG": "guests",
    "AC": "all app packages",
}
_OWNERS: Final = {
    "BA": "Administrators",
    "S-1-5-32-544": "Administrators",
    "SY": "SYSTEM",
    "S-1-5-18": "SYSTEM",
    "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464": "TrustedInstaller",
}
_ACE = re.compile(r"\(((?:[^()]|\([^()]*\))*)\)")
_SDDL_PARTS = re.compile(r"([OGDS]):((?:\((?:[^()]|\([^()]*\))*\)|[^:()](?!:))*)")
_CHANGES: Final = 0x2 | 0x4 | 0x10 | 0x40 | 0x100 | 0x10000 | 0x40000 | 0x80000 | 0x10000000 | 0x40000000
"""Write or add a file, append or add a folder, extended attributes, delete children, attributes, delete, the DACL, the owner,
and the generic rights to do all or to write."""
KEY_CHANGES: Final = 0x2 | 0x4 | 0x20 | 0x10000 | 0x40000 | 0x80000 | 0x10000000 | 0x40000000
"""Of a registry key: set a value, create a key or a link, delete, the DACL, the owner, and the generic rights."""
_CODES: Final = {
    "GA": 0x10000000, "GW": 0x40000000, "GR": 0x80000000, "GX": 0x20000000, "RC": 0x20000, "SD": 0x10000, "WD": 0x40000,
    "WO": 0x80000, "FA": 0x1F01FF, "FR": 0x120089, "FW": 0x120116, "FX": 0x1200A0, "KA": 0xF003F, "KR": 0x20019,
    "KW": 0x20006, "KX": 0x20019, "CC": 0x1, "DC": 0x2, "LC": 0x4, "SW": 0x8, "RP": 0x10, "WP": 0x20, "DT": 0x40,
    "LO": 0x80, "CR": 0x100,
}  # fmt: skip
_ACE_FIELDS = 6
_ALLOWS: Final = frozenset({"A", "XA", "OA"})
_READS: Final = 0x1 | 0x10000000 | 0x80000000
"""Read the data of a file (query a value of a key), and the generic rights that hold it."""


def sddl_guard(text: str, changes: int = _CHANGES) -> Guard:
    """Return whom a Windows security descriptor gives one of the rights `changes` to what it belongs to."""
    parts = dict(_SDDL_PARTS.findall(text))
    if "D" not in parts or "NO_ACCESS_CONTROL" in parts["D"]:
        return Guard(others=("everyone, as there is no access control list",))
    found: dict[str, None] = {}
    readers: dict[str, bool] = {}
    owner = parts.get("O", "").strip()
    if owner and owner not in _ADMINISTRATORS:
        found[f"{_CALLED.get(owner, owner)}, who owns it"] = None
    for entry in _ACE.findall(parts["D"]):
        fields = entry.split(";")
        if len(fields) >= _ACE_FIELDS and "IO" not in _pairs(fields[1]) and _rights(fields[2]) & _READS:
            readers.setdefault(fields[5], fields[0] in _ALLOWS)
        if len(fields) < _ACE_FIELDS or not fields[0].startswith(("A", "XA", "OA")) or "IO" in _pairs(fields[1]):
            continue  # denials take away; inherit-only entries are for what is made below
        if fields[5] not in _ADMINISTRATORS and _rights(fields[2]) & changes:
            found[_CALLED.get(fields[5], fields[5])] = None
    readable = any(allowed for who, allowed in readers.items() if who not in _ADMINISTRATORS)
    shut = any(not allowed for who, allowed in readers.items() if _CALLED.get(who) == "everyone")
    rights = WindowsRights(readable and not shut)
    return Guard(others=tuple(found), rights=rights, owner=_OWNERS.get(owner, owner) or None)


def _rights(text: str) -> int:
    if text[:2].lower() == "0x":
        return int(text, 16)
    if text.isdecimal():
        return int(text)
    rights = 0
    for code in _pairs(text):
        rights |= _CODES.get(code, _CHANGES)
    return rights


def _pairs(text: str) -> list[str]:
    return [text[at : at + 2] for at in range(0, len(text), 2)]


_LS_ENTRY = re.compile(r"^\s*\d+: (?P<who>.+?)(?: inherited)? (?P<kind>allow|deny) (?P<rights>\S+)$")
_LS_CHANGES = frozenset(
    {"write", "append", "add_file", "add_subdirectory", "delete", "delete_child"}.union(
        {"writesecurity", "chown", "writeattr", "writeextattr"}
    )
)
_LS_FLAGS = re.compile(r"^[-a-zA-Z+@]{10,} +\d+ .*? (?P<flags>[a-z,]+) +\d+(?:, *\d+)? ")
"""The first line of `ls -ldO`: mode, links, owner, group, flags (or a dash), size."""
_LS_GROUPS = {
    "group admin": "group admin, the administrators of this Mac, whose programs need not ask for a password here",
    "group staff": "group staff, which is every user of this Mac",
}
_LS_ADMINISTRATORS = frozenset({"user:root", "group:wheel", "user:_root"})


def ls_guard(text: str) -> Guard:
    """Return who the access control entries that macOS' `ls -ldeO` prints let change the file, and its flags."""
    found: dict[str, None] = {}
    entries: list[tuple[str, bool, frozenset[str]]] = []
    for line in text.splitlines():
        entry = _LS_ENTRY.match(line)
        rights = frozenset(entry["rights"].split(",")) if entry is not None else frozenset[str]()
        if entry is None or "only_inherit" in rights:
            continue
        entries.append((entry["who"], entry["kind"] == "allow", rights))
        if entry["kind"] == "allow" and entry["who"] not in _LS_ADMINISTRATORS and rights & _LS_CHANGES:
            who = entry["who"].replace(":", " ", 1)
            found[_LS_GROUPS.get(who, who)] = None
    first = _LS_FLAGS.match(text)
    return Guard(
        others=tuple(found),
        rights=MacosRights(tuple(entries)) if entries else None,
        flags=tuple(first["flags"].split(",")) if first is not None else (),
    )

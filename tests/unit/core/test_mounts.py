import pytest

from agent.core.mounts import read_mounts, ruler

LINES = """22 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw
30 22 0:40 / /etc/claude-code rw,nosuid - fuse.sshfs ann@host: rw,user_id=1000,group_id=1000
31 22 0:41 / /mnt/share\\040one rw - cifs //server/share rw,uid=0
32 22 8:3 / /media/stick rw - vfat /dev/sdb1 rw,uid=1000,gid=1000
33 22 0:42 / /opt/loop rw - ext4 /dev/loop0 rw,users
34 22 0:43 / /srv rw - fuseblk /dev/sdc1 rw,user_id=0
nonsense
"""


@pytest.mark.parametrize(
    ("path", "who"),
    [
        ("/etc/passwd", None),
        ("/etc/claude-code/managed-settings.json", "uid 1000, whose program"),
        ("/etc/claude-code-2/x", None),
        ("/mnt/share one/x", "whoever rules the server"),
        ("/media/stick/x", "uid 1000, to whom everything"),
        ("/opt/loop", "any user, who may mount"),
        ("/srv/x", None),
    ],
)
def test_the_file_system_tells_who_else_rules_there(path: str, who: str | None) -> None:
    found = ruler(read_mounts(LINES), path)
    assert found is None if who is None else found is not None and found.startswith(who)


def test_of_two_mounts_at_one_place_the_later_counts() -> None:
    over = LINES + "40 22 0:50 / /etc/claude-code rw - tmpfs tmpfs rw\n"
    assert ruler(read_mounts(over), "/etc/claude-code/x") is None

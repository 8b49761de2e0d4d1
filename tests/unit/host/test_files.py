"""Attacks on the reader of user-writable trees, on real folders. Each asserts what the answer is and that it comes at once."""

import errno
import hashlib
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.core.place import Data, Facts, Missing, Names, Os, Trouble, Unreadable, User
from agent.host.files import RootedFiles, split
from agent.host.limits import ReadLimits

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")
ROOT = sys.platform != "win32" and os.geteuid() == 0
SMALL = ReadLimits(file_bytes=64 * 1024, names=50)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    home = tmp_path / "home" / "ann"
    home.mkdir(parents=True)
    (home / "config.json").write_bytes(b'{"a": 1}')
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "secret").write_bytes(b"secret")
    return tmp_path


def reader(root: Path, os: Os = "linux") -> RootedFiles:
    return RootedFiles(root, os, SMALL)


def trouble(found: object) -> Trouble:
    assert isinstance(found, Unreadable), found
    assert found.text
    return found.trouble


def test_a_file_comes_with_the_facts_of_every_folder_above_it(root: Path) -> None:
    found = reader(root).read("/home/ann/config.json", within="/home/ann")
    assert isinstance(found, Data)
    assert found.raw == b'{"a": 1}'
    assert [facts.path for facts in found.access] == ["/", "/home", "/home/ann", "/home/ann/config.json"]
    assert found.facts.size == 8
    assert found.facts.inode == (root / "home/ann/config.json").stat().st_ino


@pytest.mark.parametrize(
    "path", ["/home/ann/none", "/none/at/all", "/home/ann/a\0b", "/home/ann/\ud800", "relative", "/" + "x" * 300]
)
def test_what_does_not_stand_there_is_missing(root: Path, path: str) -> None:
    assert isinstance(reader(root).read(path), Missing)


def test_a_fifo_in_place_of_a_config_does_not_block(root: Path) -> None:
    os.mkfifo(root / "home/ann/fifo")
    assert trouble(reader(root).read("/home/ann/fifo")) is Trouble.NOT_REGULAR


def test_a_socket_in_place_of_a_config_is_not_opened(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root / "home/ann")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        assert trouble(reader(root).read("/home/ann/socket")) is Trouble.NOT_REGULAR


def test_a_link_to_an_endless_device_is_not_read(root: Path) -> None:
    (root / "home/ann/zero").symlink_to("/dev/zero")
    slash = RootedFiles(Path("/"), "linux", SMALL)
    assert trouble(slash.read(str(root / "home/ann/zero"))) is Trouble.NOT_REGULAR
    assert trouble(slash.read(str(root / "home/ann/zero"), within=str(root / "home/ann"))) is Trouble.LINK_ESCAPES


def test_a_folder_in_place_of_a_file_is_not_regular(root: Path) -> None:
    assert trouble(reader(root).read("/home/ann")) is Trouble.NOT_REGULAR
    assert trouble(reader(root).read("/")) is Trouble.NOT_REGULAR


def test_a_file_in_place_of_a_folder_is_said_to_be_one(root: Path) -> None:
    assert trouble(reader(root).read("/home/ann/config.json/x")) is Trouble.NOT_A_FOLDER
    assert trouble(reader(root).names("/home/ann/config.json")) is Trouble.NOT_A_FOLDER


def test_a_huge_sparse_file_is_refused_by_its_size(root: Path) -> None:
    with (root / "home/ann/huge").open("wb") as file:
        file.truncate(300 * 1024 * 1024)
    assert trouble(reader(root).read("/home/ann/huge")) is Trouble.TOO_LARGE


def test_a_file_that_grows_without_end_stops_at_the_cap(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def endless(_: int, count: int) -> bytes:
        asked.append(count)
        return b"x" * count

    monkeypatch.setattr(os, "read", endless)
    assert trouble(reader(root).read("/home/ann/config.json")) is Trouble.TOO_LARGE
    assert sum(asked) == SMALL.file_bytes + 1


def test_a_file_of_exactly_the_cap_is_read(root: Path) -> None:
    (root / "home/ann/full").write_bytes(b"x" * SMALL.file_bytes)
    found = reader(root).read("/home/ann/full")
    assert isinstance(found, Data)
    assert len(found.raw) == SMALL.file_bytes


def test_a_file_that_changes_while_it_is_read_is_read_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = root / "home/ann/config.json"
    real, writes = os.read, iter([b"half", b"whole"])

    def racing(fd: int, count: int) -> bytes:
        if text := next(writes, None):
            path.write_bytes(text)
            os.utime(path, ns=(1, len(text)))
        return real(fd, count)

    monkeypatch.setattr(os, "read", racing)
    found = reader(root).read("/home/ann/config.json")
    assert isinstance(found, Data)
    assert found.raw == b"whole"


def test_a_link_inside_the_home_is_followed(root: Path) -> None:
    (root / "home/ann/dotfiles").mkdir()
    (root / "home/ann/dotfiles/real.json").write_bytes(b"[]")
    (root / "home/ann/relative").symlink_to("dotfiles/../dotfiles/real.json")
    (root / "home/ann/absolute").symlink_to("/home/ann/dotfiles/real.json")
    for name in ("relative", "absolute"):
        found = reader(root).read(f"/home/ann/{name}", within="/home/ann")
        assert isinstance(found, Data)
        assert found.raw == b"[]"
        assert found.facts.path == "/home/ann/dotfiles/real.json"
        assert "link" in {facts.kind for facts in found.access}


def test_an_absolute_link_is_resolved_inside_the_root_as_after_a_chroot(root: Path) -> None:
    (root / "home/ann/passwd").symlink_to("/etc/secret")
    (root / "home/ann/up").symlink_to("../../../../../../../../etc/secret")
    for name in ("passwd", "up"):
        found = reader(root).read(f"/home/ann/{name}")
        assert isinstance(found, Data)
        assert found.raw == b"secret"


@pytest.mark.parametrize("target", ["/etc/secret", "../../etc/secret", "/etc/not-there", "/etc", "/", "../bob/x"])
def test_a_link_out_of_the_home_tells_nothing_not_even_what_is_there(root: Path, target: str) -> None:
    (root / "home/ann/out").symlink_to(target)
    found = reader(root).read("/home/ann/out", within="/home/ann")
    assert trouble(found) is Trouble.LINK_ESCAPES
    assert isinstance(found, Unreadable)
    assert all(facts.path in ("/", "/home", "/home/ann", "/home/ann/out") for facts in found.access)


def test_a_linked_folder_out_of_the_home_is_not_entered(root: Path) -> None:
    (root / "home/ann/.config").symlink_to("/etc")
    assert trouble(reader(root).read("/home/ann/.config/secret", within="/home/ann")) is Trouble.LINK_ESCAPES
    assert trouble(reader(root).names("/home/ann/.config", within="/home/ann")) is Trouble.LINK_ESCAPES


def test_a_home_that_is_itself_a_link_is_still_the_home(root: Path) -> None:
    (root / "home/bob").symlink_to("/home/ann")
    (root / "home/ann/link").symlink_to("config.json")
    assert isinstance(reader(root).read("/home/bob/link", within="/home/bob"), Data)


def test_a_loop_of_links_ends(root: Path) -> None:
    (root / "home/ann/a").symlink_to("b")
    (root / "home/ann/b").symlink_to("a")
    (root / "home/ann/self").symlink_to("self/x")
    assert trouble(reader(root).read("/home/ann/a", within="/home/ann")) is Trouble.LINK_LOOP
    assert trouble(reader(root).read("/home/ann/self", within="/home/ann")) is Trouble.LINK_LOOP


def test_a_dangling_link_is_missing_and_says_that_it_is_a_link(root: Path) -> None:
    (root / "home/ann/gone").symlink_to("nothing")
    found = reader(root).read("/home/ann/gone", within="/home/ann")
    assert isinstance(found, Missing)
    assert found.link


def swapping(monkeypatch: pytest.MonkeyPatch, before: str, swap: Callable[[], None]) -> None:
    """Run `swap` once, right before the reader opens the name `before`."""
    real = os.open
    done: list[bool] = []

    def racing(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == before and not done:
            done.append(True)
            swap()
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", racing)


def test_a_parent_swapped_for_a_link_during_the_walk_leads_nowhere_else(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "home/ann/.codex").mkdir()
    (root / "home/ann/.codex/secret").write_bytes(b"mine")

    def swap() -> None:
        (root / "home/ann/.codex").rename(root / "home/ann/.old")
        (root / "home/ann/.codex").symlink_to("/etc")

    swapping(monkeypatch, ".codex", swap)
    assert trouble(reader(root).read("/home/ann/.codex/secret", within="/home/ann")) is Trouble.LINK_ESCAPES


def test_a_parent_swapped_after_it_was_opened_changes_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "home/ann/.codex").mkdir()
    (root / "home/ann/.codex/secret").write_bytes(b"mine")

    def swap() -> None:
        (root / "home/ann/.codex").rename(root / "home/ann/.old")
        (root / "home/ann/.codex").symlink_to("/etc")

    swapping(monkeypatch, "secret", swap)
    found = reader(root).read("/home/ann/.codex/secret", within="/home/ann")
    assert isinstance(found, Data)
    assert found.raw == b"mine"


@pytest.mark.parametrize("kind", ["fifo", "link"])
def test_a_file_swapped_between_look_and_open_gives_no_foreign_content(
    root: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = root / "home/ann/config.json"

    def swap() -> None:
        path.unlink()
        os.mkfifo(path) if kind == "fifo" else path.symlink_to("/etc/secret")

    swapping(monkeypatch, "config.json", swap)
    found = reader(root).read("/home/ann/config.json", within="/home/ann")
    assert trouble(found) in (Trouble.NOT_REGULAR, Trouble.LINK_LOOP, Trouble.LINK_ESCAPES)


def test_what_the_user_may_not_read_is_not_read_for_them(root: Path) -> None:
    path = root / "home/ann/config.json"
    path.chmod(0o600)
    stranger = User("eve", "/home/eve", uid=path.stat().st_uid + 4242)
    assert trouble(reader(root).read("/home/ann/config.json", reader=stranger)) is Trouble.DENIED


@pytest.mark.skipif(not ROOT, reason="only root can link to a file of another user")
def test_a_hard_link_to_a_file_of_root_gives_its_content_to_nobody(root: Path) -> None:
    (root / "etc/secret").chmod(0o600)
    (root / "home/ann/hard.json").hardlink_to(root / "etc/secret")
    for folder in (root, root / "home", root / "home/ann"):
        folder.chmod(0o755)
    ann = User("ann", "/home/ann", uid=1000)
    found = reader(root).read("/home/ann/hard.json", within="/home/ann", reader=ann)
    assert trouble(found) is Trouble.DENIED
    assert "secret" not in repr(found)


@pytest.mark.skipif(ROOT, reason="root may search every folder")
def test_a_folder_without_rights_is_denied(root: Path) -> None:
    (root / "home/ann/private").mkdir(mode=0)
    assert trouble(reader(root).read("/home/ann/private/x")) is Trouble.DENIED
    assert trouble(reader(root).names("/home/ann/private")) is Trouble.DENIED


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.EACCES, Trouble.DENIED),
        (errno.EPERM, Trouble.DENIED),
        (errno.EIO, Trouble.IO_ERROR),
        (errno.ESTALE, Trouble.IO_ERROR),
        (errno.ETIMEDOUT, Trouble.TIMED_OUT),
        (errno.EMFILE, Trouble.IO_ERROR),
    ],
)
def test_an_error_of_the_system_becomes_a_trouble(
    root: Path, monkeypatch: pytest.MonkeyPatch, number: int, expected: Trouble
) -> None:
    real = os.open

    def failing(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "config.json":
            raise OSError(number, os.strerror(number))
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", failing)
    assert trouble(reader(root).read("/home/ann/config.json")) is expected


def test_no_descriptor_stays_open(root: Path) -> None:
    (root / "home/ann/a").symlink_to("/home/ann/config.json")
    (root / "home/ann/out").symlink_to("/etc/secret")
    files = reader(root)
    before = len(list(Path("/dev/fd").iterdir()))
    for path in ("/home/ann/a", "/home/ann/out", "/home/ann/none", "/home/ann/config.json/x", "/home/ann/config.json"):
        files.read(path, within="/home/ann")
        files.names(path, within="/home/ann")
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_names_come_in_code_unit_order_and_bounded(root: Path) -> None:
    folder = root / "etc/drop.d"
    folder.mkdir()
    for name in ("9.json", "10.json", "b.json", "B.json", "\uff5a", "\U0001f600"):
        (folder / name).touch()
    found = reader(root).names("/etc/drop.d")
    assert isinstance(found, Names)
    assert found.names == ("10.json", "9.json", "B.json", "b.json", "\U0001f600", "\uff5a")
    for number in range(SMALL.names):
        (folder / f"x{number}").touch()
    found = reader(root).names("/etc/drop.d")
    assert isinstance(found, Names)
    assert found.truncated
    assert len(found.names) == SMALL.names


def test_a_windows_disk_is_read_in_its_own_spelling_and_without_regard_to_case(tmp_path: Path) -> None:
    folder = tmp_path / "Users" / "Ann" / "AppData" / "Roaming"
    folder.mkdir(parents=True)
    (folder / "Config.JSON").write_bytes(b"{}")
    files = RootedFiles(tmp_path, "windows")
    found = files.read("c:\\users\\ann\\appdata\\roaming\\config.json", within="C:\\Users\\ann")
    assert isinstance(found, Data)
    assert found.facts.path == "C:\\Users\\Ann\\AppData\\Roaming\\Config.JSON"
    for elsewhere in ("\\\\server\\share\\x", "C:relative", "C:\\Users\\Ann\\file:stream"):
        assert isinstance(files.read(elsewhere), Missing)
    assert isinstance(RootedFiles(tmp_path, "linux").read("/users/ann/appdata/roaming/config.json"), Missing)


def test_another_drive_is_read_where_it_is_a_disk_and_never_taken_for_empty_where_it_may_be_a_share(
    tmp_path: Path,
) -> None:
    for folder, name in (("c/Users/ann", "own"), ("d/work", "x.json"), ("d/else", "y")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / name).write_text("1")
    (tmp_path / "d/work/out").symlink_to(tmp_path / "d/else/y")
    (tmp_path / "d/work/in").symlink_to("x.json")
    files = RootedFiles(tmp_path / "c", "windows", drives={"D": tmp_path / "d"})
    home = "C:\\Users\\ann"
    found = files.read("d:\\work\\x.json", within=home)
    assert isinstance(found, Data)
    assert found.facts.path == "D:\\work\\x.json"
    assert isinstance(files.read("D:\\work\\in", within=home), Data)
    assert not isinstance(files.read("D:\\work\\out", within=home), Data)
    assert isinstance(files.names("D:\\work", within="D:\\work"), Names)
    assert trouble(files.read("E:\\x", within=home)) is Trouble.FOREIGN
    assert trouble(files.names("E:\\x")) is Trouble.FOREIGN
    assert trouble(RootedFiles(tmp_path, "windows").read("D:\\x")) is Trouble.FOREIGN


def test_paths_are_split_into_names_below_the_root() -> None:
    assert split("linux", "/a//b/./c") == ("a", "b", "c")
    assert split("linux", "/") == ()
    assert split("windows", "C:/Users\\ann") == ("Users", "ann")
    assert split("linux", "a") is None


def test_a_digest_stands_in_place_of_the_bytes_whatever_their_number(root: Path) -> None:
    big = b"x" * (3 << 20)
    (root / "home/ann/big").write_bytes(big)
    ann = User("ann", "/home/ann", 0)
    found = reader(root).digest("/home/ann/big", reader=ann, wanted=lambda facts: facts.size == len(big))
    assert isinstance(found, Data)
    assert found.raw == hashlib.sha256(big).digest()
    unwanted = reader(root).digest("/home/ann/big", reader=ann, wanted=lambda _: False)
    assert isinstance(unwanted, Data)
    assert (unwanted.raw, unwanted.facts) == (b"", found.facts)
    assert trouble(reader(root).digest("/home/ann", reader=ann, wanted=lambda _: True)) is Trouble.NOT_REGULAR


def test_what_the_user_may_not_read_is_not_gone_through_for_a_digest(root: Path) -> None:
    (root / "etc/secret").chmod(0o600)
    (root / "home/ann/link").symlink_to("/etc/secret")
    asked: list[Facts] = []

    def wanted(facts: Facts) -> bool:
        asked.append(facts)
        return True

    nobody = User("nobody", "/home/nobody", 65534)
    for path in ("/etc/secret", "/home/ann/link"):
        found = reader(root).digest(path, reader=nobody, wanted=wanted)
        assert trouble(found) is Trouble.DENIED
    assert asked == []

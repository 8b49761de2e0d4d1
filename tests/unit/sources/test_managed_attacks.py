"""Each way to make the agent believe something wrong about the managed files, tried on a real file system."""

import hashlib
import json
import os
import shutil
import struct
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from agent.catalog.rows import catalog
from agent.core.assess.managed import Ground, ManagedJudgement, judge_managed
from agent.core.baseline.record import DEPLOYED, record_of
from agent.core.baseline.trust import Memory
from agent.core.observation import BaselineFile, ManagedLook
from agent.core.place import User
from agent.host.files import RootedFiles
from agent.host.permissions import guards_of
from agent.runtime.mailbox import merged
from agent.sources.managed import ManagedSource, Surroundings
from tests.sim.baselines import DAY_S, ISSUED, Signer, baseline

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the tricks of one system; its rules are tested on any")
as_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs to be root")

IT = Signer()
NOBODY, NONE = 65534, 0xFFFFFFFF
ETC = "/etc/claude-code"
SETTINGS = f"{ETC}/managed-settings.json"
GOOD = json.dumps({"allowedMcpServers": [{"serverName": "ok"}], "allowManagedMcpServersOnly": True})
EVIL = json.dumps({"allowedMcpServers": [{"serverUrl": "*"}]})


class Machine:
    """A file tree with managed files, what looks at it, and a baseline of it as it was deployed."""

    def __init__(self, root: Path) -> None:
        root.chmod(0o755)
        self.root = root
        self.folder = root / ETC[1:]
        self.folder.mkdir(parents=True)
        self.file = self.folder / "managed-settings.json"
        self.file.write_text(GOOD)
        for path in (root / "etc", self.folder, self.file):
            path.chmod(0o755 if path.is_dir() else 0o644)
        self.source = ManagedSource(
            RootedFiles(root, "linux"), catalog()["claude-code"], around=Surroundings(guard=guards_of(root))
        )
        self.baselines: tuple[BaselineFile, ...] = ()
        documents = [item for item in self.look().documents if item.kind in DEPLOYED]
        records = [record for item in documents if (record := record_of(item, posix=True)) is not None]
        self.baselines = (IT.signs(baseline(1, *records)),)

    def look(self) -> ManagedLook:
        (look,) = self.source.look()
        return look

    def judged(self, look: ManagedLook | None = None, users: Sequence[User] = ()) -> ManagedJudgement:
        look = look or self.look()
        seen = ManagedLook(
            look.folder, look.documents, look.dropin_folder, look.misplaced, look.coverage, self.baselines,
            look.passed, look.touched, look.guards, look.accounts,
        )  # fmt: skip
        return judge_managed(seen, users, Ground("linux", (IT.line,), Memory(), ISSUED + DAY_S))

    def told(self, look: ManagedLook | None = None) -> dict[str, str]:
        own = f"uid {os.geteuid()}"
        return {
            item.key.control: item.text
            for item in self.judged(look).deviations
            if item.key.control != "managed-file.exposed" or os.geteuid() == 0 or own not in item.text
        }


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    root = tmp_path / "root"
    root.mkdir()
    return Machine(root)


def test_nothing_is_told_of_files_as_they_were_deployed(machine: Machine) -> None:
    assert machine.told() == {}


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[], None]], None]:
    """Let something happen right before the reader's first call of one function of the system."""

    def arrange(name: str, happens: Callable[[], None]) -> None:
        real, pending = getattr(os, name), [happens]

        def call(*args: object, **kwargs: object) -> object:
            result = real(*args, **kwargs) if name == "open" else None
            wanted = name != "open" or args[0] == "claude-code"
            if pending and wanted:
                pending.pop()()
            return result if name == "open" else real(*args, **kwargs)

        monkeypatch.setattr(os, name, call)

    return arrange


def test_swap_by_rename_between_open_and_read_gives_one_file_whole(
    machine: Machine, between: Callable[[str, Callable[[], None]], None]
) -> None:
    evil = machine.folder / "evil"
    evil.write_text(EVIL)

    def swap() -> None:
        evil.replace(machine.file)

    between("read", swap)
    row = machine.judged().rows[0]
    states = {GOOD: "intact", EVIL: "modified"}
    sums = {hashlib.sha256(text.encode()).hexdigest(): state for text, state in states.items()}
    assert sums[row.sha256 or ""] == row.state or os.geteuid() != 0
    assert "managed-file.modified" in machine.told()


def test_parent_folder_replaced_between_two_steps_gives_one_folder_whole(
    machine: Machine, between: Callable[[str, Callable[[], None]], None]
) -> None:
    other = machine.root / "etc/other"
    other.mkdir()
    (other / "managed-settings.json").write_text(EVIL)

    def swap() -> None:
        machine.folder.rename(machine.root / "etc/away")
        other.rename(machine.folder)

    between("open", swap)
    machine.look()
    assert "managed-file.modified" in machine.told()


def test_a_link_out_of_the_managed_folder_is_exposed_and_named(machine: Machine) -> None:
    (machine.root / "home").mkdir()
    shutil.move(machine.file, machine.root / "home/mine.json")
    machine.file.symlink_to("/home/mine.json")
    exposed = next(item.text for item in machine.judged().deviations if item.key.control == "managed-file.exposed")
    assert f"{SETTINGS} is a link out of the managed folder, to /home/mine.json" in exposed


def test_a_hard_link_is_told(machine: Machine) -> None:
    os.link(machine.file, machine.root / "second-name")
    assert any("2 names (hard links)" in problem for problem in machine.judged().rows[0].problems)


@as_root
def test_a_hard_link_to_a_file_of_a_user_is_exposed(machine: Machine) -> None:
    mine = machine.root / "mine.json"
    mine.write_text(GOOD)
    os.chown(mine, NOBODY, NOBODY)
    machine.file.unlink()
    os.link(mine, machine.file)
    assert f"belongs to uid {NOBODY}" in machine.told()["managed-file.exposed"]


def test_mode_flip_and_back_between_two_looks_is_told(machine: Machine) -> None:
    machine.look()
    machine.file.chmod(0o666)
    machine.file.chmod(0o644)
    assert "changed and changed back" in machine.told()["managed-file.modified"]
    assert machine.told() == {}


def test_content_changed_and_back_in_place_between_two_looks_is_told(machine: Machine) -> None:
    machine.look()
    machine.file.write_text(EVIL)
    machine.file.write_text(GOOD)
    os.utime(machine.file, ns=(1, 1))
    assert "managed-file.modified" in machine.told()


def test_an_mdm_that_pushes_the_same_file_again_is_not_told(machine: Machine) -> None:
    machine.look()
    fresh = machine.folder / ".new"
    fresh.write_text(GOOD)
    fresh.chmod(0o644)
    fresh.replace(machine.file)
    assert machine.told() == {}


def test_a_change_seen_and_undone_before_anybody_judged_is_told(machine: Machine) -> None:
    machine.file.write_text(EVIL)
    seen = machine.look()
    machine.file.write_text(GOOD)
    (look,) = merged([seen], [machine.look()])
    assert isinstance(look, ManagedLook)
    text = machine.told(look)["managed-file.modified"]
    assert 'allow entry {"serverUrl":"*"} came' in text
    assert "changed and changed back" in text


def test_drop_in_resets_the_lock(machine: Machine) -> None:
    dropin = machine.folder / "managed-settings.d/99.json"
    dropin.parent.mkdir()
    dropin.write_text('{"allowManagedMcpServersOnly": false}')
    assert "does not know it" in machine.told()["managed-file.unexpected"]


def test_deleted_folder_re_created_is_told_as_missing_in_between(machine: Machine) -> None:
    shutil.rmtree(machine.folder)
    seen = machine.look()
    machine.folder.mkdir(mode=0o755)
    machine.file.write_text(GOOD)
    (look,) = merged([seen], [machine.look()])
    assert isinstance(look, ManagedLook)
    assert "must be there" in machine.told(look)["managed-file.modified"]


def test_a_half_written_file_is_looked_at_again_before_it_is_reported(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.file.write_text(GOOD[:20])

    class Waits:
        def wait(self, _seconds: float) -> None:
            machine.file.write_text(GOOD)

    monkeypatch.setattr("agent.sources.settling.threading.Event", Waits)
    told = machine.told()
    assert "managed-file.malformed" not in told
    assert "It is as it was before" in told["managed-file.modified"]


@as_root
def test_a_right_to_write_by_an_access_control_list_is_exposed(machine: Machine) -> None:
    entries = [(0x01, 6, NONE), (0x02, 6, 1000), (0x04, 4, NONE), (0x10, 6, NONE), (0x20, 4, NONE)]
    raw = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    (machine.root / "etc/passwd").write_text("ann:x:1000:1000::/home/ann:/bin/sh\n")
    try:
        os.setxattr(machine.file, "system.posix_acl_access", raw)
    except OSError:
        pytest.skip("the file system of the tests has no access control lists")
    assert "by ann (uid 1000), by its access control list" in machine.told()["managed-file.exposed"]


@as_root
@pytest.mark.parametrize(("mode", "granted"), [(0o644, 0), (0o600, 4)], ids=["shut out by a list", "let in by a list"])
def test_who_may_read_by_a_list_is_judged_as_the_kernel_does_it(
    machine: Machine, as_nobody: Callable[[str], int], mode: int, granted: int
) -> None:
    other = mode & 7
    entries = [(0x01, 6, NONE), (0x02, granted, NOBODY), (0x04, 0, NONE), (0x10, 4, NONE), (0x20, other, NONE)]
    raw = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    try:
        os.setxattr(machine.file, "system.posix_acl_access", raw)
    except OSError:
        pytest.skip("the file system of the tests has no access control lists")
    reads = as_nobody(f"open({str(machine.file)!r}).read()") == 0
    nobody = User("nobody", "/nonexistent", NOBODY, frozenset({NOBODY}))
    told = {item.key.control: item.text for item in machine.judged(users=[nobody]).deviations}
    assert reads == (granted == 4)
    assert ("managed-file.unreadable" in told) != reads
    if not reads:
        assert "does not bind nobody" in told["managed-file.unreadable"]


@as_root
def test_a_folder_above_that_a_group_may_write_names_the_group_and_its_members(machine: Machine) -> None:
    (machine.root / "etc/group").write_text("dev:x:27:ann,bob\n")
    os.chown(machine.root / "etc", 0, 27)
    (machine.root / "etc").chmod(0o775)
    text = machine.told()["managed-file.exposed"]
    assert "The folder /etc can be written by group dev (gid 27), whose members are ann, bob" in text


@pytest.fixture
def as_nobody(tmp_path: Path) -> Callable[[str], int]:
    """Run a line of Python in a child that is an unprivileged user; the way to the tree is open to everyone."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and folder != Path(folder.anchor):
            folder.chmod(folder.stat().st_mode | 0o011)

    def run(line: str) -> int:
        child = os.fork()  # not a new Python: the user may not be able to reach one
        if child == 0:
            status = 1
            try:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
                exec(line, {"os": os, "shutil": shutil})
                status = 0
            finally:
                os._exit(status)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    assert run("assert os.geteuid() == 65534") == 0
    return run


ATTEMPTS = {
    "write": "open({file!r}, 'w')",
    "rename": "os.rename({file!r}, {file!r} + '.old')",
    "replace": "os.rename('/tmp', {file!r})",
    "remove": "os.remove({file!r})",
    "mode": "os.chmod({file!r}, 0o666)",
    "drop-in": "os.mkdir({folder!r} + '/managed-settings.d')",
    "parent": "os.rename({folder!r}, {folder!r} + '.old')",
    "hard link": "os.link({file!r}, {folder!r} + '/x')",
}


@as_root
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_an_unprivileged_user_cannot_touch_protected_files_and_nothing_is_told(
    machine: Machine, as_nobody: Callable[[str], int], attempt: str
) -> None:
    machine.look()
    line = ATTEMPTS[attempt].format(file=str(machine.file), folder=str(machine.folder))
    assert as_nobody(line) != 0
    assert machine.told() == {}


@as_root
@pytest.mark.parametrize("attempt", ["rename", "remove", "drop-in"])
def test_where_an_unprivileged_user_could_it_is_told_before_and_after(
    machine: Machine, as_nobody: Callable[[str], int], attempt: str
) -> None:
    machine.folder.chmod(0o777)
    assert "can be written by everyone" in machine.told()["managed-file.exposed"]
    line = ATTEMPTS[attempt].format(file=str(machine.file), folder=str(machine.folder))
    assert as_nobody(line) == 0
    if attempt != "drop-in":
        assert "managed-file.missing" in machine.told()
    else:
        shutil.rmtree(machine.folder / "managed-settings.d")
        assert "managed-file.exposed" in machine.told()

"""Each way to make the agent believe something wrong about the managed files, tried on a real file system.

Where the tests run as root, each attack is tried twice: on an agent that is root, and on one with the rights of an unprivileged
user, whom the kernel refuses what it refuses such a user. HKCU alone is tried in tests/windows/test_registry.py.
"""

import hashlib
import json
import os
import shutil
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from agent.app.looking import Target, check
from agent.catalog.rows import catalog
from agent.config.settings import Settings
from agent.core.assess.managed import Ground, ManagedJudgement, judge_managed
from agent.core.baseline.record import DEPLOYED, record_of
from agent.core.baseline.trust import Memory
from agent.core.observation import BaselineFile, ManagedLook
from agent.core.place import Data, User
from agent.host.files import RootedFiles
from agent.host.machine import Machine as MachineFacts
from agent.host.permissions import guards_of
from agent.runtime.mailbox import merged
from agent.sources.managed import ManagedSource, Surroundings
from tests.sim.baselines import DAY_S, ISSUED, Signer, baseline

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the tricks of one system; its rules are tested on any")
as_root = pytest.mark.parametrize("rights", ["root"], indirect=True)

IT = Signer()
NOBODY, NONE = 65534, 0xFFFFFFFF
ETC = "/etc/claude-code"
SETTINGS = f"{ETC}/managed-settings.json"
CACHE = "/home/ann/.claude/remote-settings.json"
BASELINES = "/etc/mcp-compliance-agent/baselines"
GOOD = json.dumps({"allowedMcpServers": [{"serverName": "ok"}], "allowManagedMcpServersOnly": True})
EVIL = json.dumps({"allowedMcpServers": [{"serverUrl": "*"}]})


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Give a folder outside pytest's own, which every other session of pytest closes to all but its user as it begins."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture(params=["root", "user"])
def rights(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    """Have the rights of root, or of an unprivileged user, from here to the end of the test."""
    privileged = os.geteuid() == 0
    if request.param == "root" and not privileged:
        pytest.skip("needs to be root")
    if request.param == "root" or not privileged:
        yield
        return
    _open_the_way(tmp_path)
    os.chown(tmp_path, NOBODY, NOBODY)
    (tmp_path / "root's").touch(mode=0o600)
    time.strptime("1970", "%Y")  # what it imports at its first call may lie where nobody but root can read
    group, groups = os.getegid(), os.getgroups()
    os.setgroups([])
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    with pytest.raises(PermissionError):
        (tmp_path / "root's").read_text()
    yield
    os.seteuid(0)
    os.setegid(group)
    os.setgroups(groups)


def _open_the_way(folder: Path) -> None:
    for place in (folder, *folder.parents):
        if place.stat().st_uid == os.geteuid() and place != Path(place.anchor):
            place.chmod(place.stat().st_mode | 0o011)


class Machine:
    """A file tree with managed files, what looks at it, and a signed baseline of it as it was deployed."""

    def __init__(self, root: Path) -> None:
        root.chmod(0o755)
        self.root = root
        self.folder = root / ETC[1:]
        self.folder.mkdir(parents=True)
        self.file = self.folder / "managed-settings.json"
        self.file.write_text(GOOD)
        self.baselines = root / BASELINES[1:]
        self.baselines.mkdir(parents=True)
        for path in (root / "etc", self.folder, self.file):
            path.chmod(0o755 if path.is_dir() else 0o644)
        around = Surroundings(BASELINES, guards_of(root))
        self.source = ManagedSource(RootedFiles(root, "linux"), catalog()["claude-code"], around=around)
        self.records = [
            record
            for item in self.look().documents
            if item.kind in DEPLOYED and (record := record_of(item, posix=True)) is not None
        ]
        self.memory, self.now = Memory(), ISSUED + DAY_S
        self.deploy(IT.signs(baseline(1, *self.records)))
        self.memory = self.judged().memory

    def deploy(self, *files: BaselineFile) -> None:
        """Let exactly these baselines lie where the agent reads them."""
        shutil.rmtree(self.baselines)
        self.baselines.mkdir()
        for file in files:
            assert isinstance(file.content, Data)
            path = self.baselines / Path(file.path).name
            path.write_bytes(file.content.raw)
            if isinstance(file.signature, Data):
                path.with_name(path.name + ".sig").write_bytes(file.signature.raw)

    def look(self) -> ManagedLook:
        (look,) = self.source.look()
        return look

    def judged(self, look: ManagedLook | None = None, users: Sequence[User] = ()) -> ManagedJudgement:
        return judge_managed(look or self.look(), users, Ground("linux", (IT.line,), self.memory, self.now))

    def told(self, look: ManagedLook | None = None) -> dict[str, str]:
        """Return what deviates, but that the files are an unprivileged agent's own."""
        own = f"uid {os.geteuid()}"
        return {
            item.key.control: item.text
            for item in self.judged(look).deviations
            if item.key.control != "managed-file.exposed" or os.geteuid() == 0 or own not in item.text
        }


@pytest.fixture
def machine(rights: None, tmp_path: Path) -> Machine:  # noqa: ARG001 - from here on
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
    is_what_was_hashed(machine, machine.look())
    assert "managed-file.modified" in machine.told()


def is_what_was_hashed(machine: Machine, look: ManagedLook) -> None:
    """What is judged must be what was hashed, and be one of the two files, whole."""
    modified = {hashlib.sha256(GOOD.encode()).hexdigest(): False, hashlib.sha256(EVIL.encode()).hexdigest(): True}
    (row,) = machine.judged(look).rows
    assert modified[row.sha256 or ""] == ("managed-file.modified" in machine.told(look))


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
    is_what_was_hashed(machine, machine.look())
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


def test_cache_only_is_a_policy_that_its_user_can_write(machine: Machine) -> None:
    shutil.rmtree(machine.folder)
    cache = machine.root / "home/ann/.claude/remote-settings.json"
    cache.parent.mkdir(parents=True)
    cache.write_text(GOOD)
    here = MachineFacts("linux", "12", "laptop", privileged=True)
    document = check(Target(machine.root, "linux"), Settings(), here, "device")
    (source,) = document.policy.sources
    assert (source.kind, source.path, source.selected) == ("remote-settings", CACHE, True)
    (found,) = [item for item in document.deviations if item.control == "policy.not-effective"]
    assert f"who can write {CACHE} can change it" in found.text


def test_baseline_rollback_is_refused_and_the_newest_still_counts(machine: Machine) -> None:
    machine.deploy(IT.signs(baseline(2, *machine.records)))
    machine.memory = machine.judged().memory
    machine.file.write_text(EVIL)
    forgiving = [record for item in machine.look().documents if (record := record_of(item, posix=True)) is not None]
    machine.deploy(IT.signs(baseline(1, *forgiving)))
    told = machine.told()
    assert "its serial 1 is older than 2" in told["baseline.refused"]
    assert "managed-file.modified" in told


def test_key_swap_is_refused_and_the_newest_still_counts(machine: Machine) -> None:
    machine.file.write_text(EVIL)
    forgiving = [record for item in machine.look().documents if (record := record_of(item, posix=True)) is not None]
    machine.deploy(Signer(2).signs(baseline(9, *forgiving)))
    told = machine.told()
    assert "key" in told["baseline.refused"]
    assert "baseline.missing" in told
    assert "managed-file.modified" in told


def test_clock_set_back_brings_no_expired_baseline_to_life(machine: Machine) -> None:
    machine.deploy(IT.signs(baseline(2, *machine.records, expires=ISSUED + 3 * DAY_S)))
    machine.now = ISSUED + 4 * DAY_S
    judged = machine.judged()
    assert "it expired on" in machine.told()["baseline.refused"]
    machine.memory, machine.now = judged.memory, ISSUED + DAY_S
    assert "it expired on" in machine.told()["baseline.refused"]
    assert machine.judged().rows[0].state != "intact"


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
    _open_the_way(tmp_path)

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

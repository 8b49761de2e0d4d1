import threading
from collections.abc import Collection, Sequence

from agent.core.accounts import Accounts
from agent.core.writer import Writer
from agent.ports import Aimed, NoEvents
from agent.sources.writing import KEPT_MAX, Writing
from tests.sim.clock import ManualClock

VIM = Writer(8, "/usr/bin/vim", 0, 1000, "/usr/bin/sudo")


class Told:
    """What the system tells, one list a turn."""

    def __init__(self, *turns: Sequence[tuple[str, Writer]]) -> None:
        self.turns = list(turns)
        self.aimed: list[Collection[str]] = []
        self.deaf: dict[str, str] = {}

    def aim(self, folders: Collection[str]) -> Aimed:
        self.aimed.append(folders)
        return Aimed(frozenset(folders) - self.deaf.keys(), self.deaf)

    def wait(self, timeout_s: float) -> Sequence[tuple[str, Writer]]:
        assert timeout_s >= 0
        return self.turns.pop(0) if self.turns else ()

    def interrupt(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is open."""


def test_the_last_writer_of_each_path_is_kept() -> None:
    told = Told([("/a", Writer(7, "/usr/bin/cp")), ("/b", VIM)], [("/a", VIM)])
    writing = Writing(lambda: told, ManualClock())
    writing.turn(told, 0)
    writing.turn(told, 0)
    assert writing.last() == {"/a": VIM, "/b": VIM}


def test_what_was_learnt_while_the_process_lived_is_not_lost_when_it_has_ended() -> None:
    told = Told([("/a", VIM)], [("/a", Writer(VIM.pid))])
    writing = Writing(lambda: told, ManualClock())
    writing.turn(told, 0)
    writing.turn(told, 0)
    assert writing.last() == {"/a": VIM}


def test_a_flood_of_files_pushes_out_the_oldest() -> None:
    told = Told([(f"/{number}", VIM) for number in range(KEPT_MAX + 1)])
    writing = Writing(lambda: told, ManualClock())
    writing.turn(told, 0)
    assert "/0" not in writing.last()
    assert len(writing.last()) == KEPT_MAX


def test_whoever_asks_has_seen_a_change_so_that_new_folders_are_marked_at_once() -> None:
    told = Told()
    writing = Writing(lambda: told, ManualClock())
    writing.watch(["/etc/claude-code"])
    writing.turn(told, 0)
    writing.turn(told, 0)
    assert len(told.aimed) == 1
    writing.last()
    writing.turn(told, 0)
    assert told.aimed == [("/etc/claude-code",)] * 2


def test_a_folder_in_which_nobody_is_heard_is_a_problem_until_it_is() -> None:
    told = Told()
    told.deaf = {"/etc/claude-code": "its file system tells nothing"}
    clock = ManualClock()
    writing = Writing(lambda: told, clock)
    writing.watch(["/etc/claude-code"])
    problems = [writing.problem]
    writing.turn(told, 0)
    problems.append(writing.problem)
    told.deaf = {}
    writing.last()
    writing.turn(told, 0)
    problems.append(writing.problem)
    assert problems == [None, "in /etc/claude-code: its file system tells nothing", None]


def test_without_the_system_s_word_it_only_waits_and_ends() -> None:
    writing = Writing(lambda: NoEvents("not here"), ManualClock())
    stop, beats = threading.Event(), []
    stop.set()
    writing.run(stop, lambda: beats.append(1))
    writing.wake()
    writing.close()
    assert (writing.problem, writing.last()) == ("not here", {})


def test_a_writer_is_told_in_one_sentence() -> None:
    accounts = Accounts({0: "root", 1000: "ann"})
    assert VIM.told(accounts) == (
        "It was written by /usr/bin/vim (pid 8) as root (uid 0), started by /usr/bin/sudo, in a session of ann (uid 1000)."
    )
    assert "had ended" in Writer(9).told(accounts)

"""What can be said of a program whose file is another one than at its start."""

from dataclasses import replace

from agent.core.place import Data, Facts, Missing, Trouble, Unreadable
from agent.core.superseded import SLACK_S, Superseded, stood, superseded

PATH, STARTED = "/opt/x", 1_000_000_000.0
FACTS = Facts(PATH, "file", inode=7, device=1, mtime_ns=int((STARTED - 60) * 1e9), ctime_ns=int((STARTED - 60) * 1e9))
SAME = Data(b"", (FACTS,))
LATER = Data(b"", (replace(FACTS, mtime_ns=int((STARTED + 60) * 1e9)),))
OTHER = Data(b"", (replace(FACTS, inode=8),))
SHUT = Unreadable(Trouble.DENIED, "denied")


def test_the_same_file_is_no_other_whatever_links_and_rights_it_was_given() -> None:
    linked = Data(b"", (replace(FACTS, ctime_ns=int((STARTED + 9) * 1e9), links=2, mode=0o700),))
    for found in (SAME, linked):
        assert superseded(PATH, found, STARTED, stood(FACTS)) is None
        assert superseded(PATH, found, STARTED, None) is None


def test_another_file_in_its_place_is_told_with_its_time_only_where_that_says_something() -> None:
    assert superseded(PATH, OTHER, STARTED, stood(FACTS)) == Superseded(PATH)
    told = superseded(PATH, LATER, STARTED, stood(FACTS))
    assert told == Superseded(PATH, at=STARTED + 60)
    assert told.text == "was replaced on disk at 2001-09-09 01:47Z, after it was started"


def test_a_file_written_after_the_start_is_another_one_also_where_the_first_was_never_seen() -> None:
    assert superseded(PATH, LATER, STARTED, None) == Superseded(PATH, at=STARTED + 60, unseen=True)
    soon = Data(b"", (replace(FACTS, mtime_ns=int((STARTED + SLACK_S - 1) * 1e9)),))
    assert superseded(PATH, soon, STARTED, None) is None


def test_a_file_that_is_not_there_says_something_only_where_it_is_known_to_have_been() -> None:
    assert superseded(PATH, Missing(), STARTED, None) is None
    assert superseded(PATH, Missing(), STARTED, stood(FACTS)) == Superseded(PATH, deleted=True)
    assert superseded(PATH, Missing(), STARTED, None, unlinked=True) == Superseded(PATH, deleted=True, unseen=True)


def test_where_the_path_may_not_be_looked_at_the_system_is_taken_at_its_word() -> None:
    for found in (SHUT, None):
        assert superseded(PATH, found, STARTED, stood(FACTS)) is None
        told = superseded(PATH, found, STARTED, None, unlinked=True)
        assert told == Superseded(PATH, deleted=None, unseen=True)
        assert told.text == "was replaced or deleted on disk since it was started"
    assert superseded(PATH, SAME, STARTED, stood(FACTS), unlinked=True) == Superseded(PATH)

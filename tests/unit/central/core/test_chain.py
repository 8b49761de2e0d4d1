import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.core import chain
from central.core.chain import GENESIS, Line, accounted, not_owed, place, read, two_writers, written
from central.core.envelope import Item

JOURNAL = "j" * 32


def items(*words: str, start: int = 1, previous: str = GENESIS, journal: str = JOURNAL) -> list[Item]:
    """One item per word, chained."""
    made = []
    for sequence, word in enumerate(words, start):
        digest = hashlib.sha256(f"{previous}{word}".encode()).hexdigest()
        made.append(Item(sequence, journal, previous, digest, word.encode(), {}))
        previous = digest
    return made


def test_a_chain_in_order_is_one_line_without_gaps() -> None:
    placed = place((), items("a", "b", "c"), 10.0)
    assert [(line.last, line.missing, line.broken) for line in placed.lines] == [(3, 0, False)]
    assert len(placed.fresh) == 3


def test_a_batch_that_comes_again_brings_nothing_new() -> None:
    batch = items("a", "b", "c")
    placed = place(place((), batch, 10.0).lines, batch, 20.0)
    assert (placed.fresh, placed.repeats) == ((), 3)


def test_a_long_batch_that_comes_again_brings_nothing_new_though_its_start_is_forgotten() -> None:
    batch = items(*map(str, range(200)))
    placed = place(place((), batch, 10.0).lines, batch, 20.0)
    assert (placed.fresh, placed.repeats, len(placed.lines)) == ((), 200, 1)


def test_a_loss_is_a_gap_and_what_comes_late_fills_it() -> None:
    all_ = items(*"abcdef")
    lines = place((), [*all_[:2], *all_[4:]], 10.0).lines
    assert [(gap.first, gap.last) for gap in lines[0].gaps] == [(3, 4)]
    placed = place(lines, all_[2:4], 20.0)
    assert [(line.missing, line.broken) for line in placed.lines] == [(0, False)]
    assert [item.sequence for item in placed.fresh] == [3, 4]


def test_a_forged_event_does_not_fill_a_gap() -> None:
    all_ = items(*"abcd")
    lines = place((), [all_[0], all_[1], all_[3]], 10.0).lines
    placed = place(lines, [replace(all_[2], digest="f" * 64)], 20.0)
    assert [line.broken for line in placed.lines] == [False, True]
    assert placed.lines[0].missing == 1


def test_signs_of_life_that_were_folded_are_no_loss() -> None:
    all_ = items(*"abcdefg")
    lines = place((), [all_[0], all_[6]], 10.0).lines
    lines = accounted(lines, JOURNAL, [(2, 3), (5, 5)])
    assert [(gap.first, gap.last) for gap in lines[0].gaps] == [(4, 4), (6, 6)]
    assert place(lines, [all_[3]], 20.0).lines[0].missing == 1


def test_two_machines_with_one_journal_both_lose_nothing_and_are_told_apart() -> None:
    common = items(*"abc")
    ours = items("d", "e", start=4, previous=common[-1].digest)
    theirs = items("x", "y", "z", start=4, previous=common[-1].digest)
    lines = place((), common, 10.0).lines
    fresh: list[object] = []
    for at, batch in enumerate((ours, theirs, items("f", start=6, previous=ours[-1].digest)), 20):
        placed = place(lines, batch, float(at))
        lines = placed.lines
        fresh += placed.fresh
    assert len(fresh) == 6
    assert two_writers(lines) is not None


def test_a_copy_from_long_ago_loses_nothing_either() -> None:
    lines = place((), items(*map(str, range(500))), 10.0).lines
    placed = place(lines, items("copy", start=3, previous="a" * 64), 20.0)
    assert [item.sequence for item in placed.fresh] == [3]
    assert [line.broken for line in placed.lines] == [False, True]


def test_a_journal_that_was_put_back_is_broken_and_no_clone() -> None:
    lines = place((), items(*"abcdef"), 10.0).lines
    lines = place(lines, items("C", "D", start=3, previous=items(*"ab")[-1].digest), 20.0).lines
    assert [line.broken for line in lines] == [False, True]
    assert two_writers(lines) is None


def test_a_fresh_journal_is_no_break_and_going_back_to_the_old_one_is_a_clone() -> None:
    first = items(*"ab")
    lines = place(place((), first, 10.0).lines, items("a", journal="k" * 32), 20.0).lines
    assert two_writers(lines) is None
    assert not any(line.broken for line in lines)
    lines = place(lines, items("c", start=3, previous=first[-1].digest), 30.0).lines
    assert two_writers(lines) is not None


@given(st.lists(st.integers(1, 30), min_size=1, max_size=60), st.sets(st.integers(0, 39), max_size=10))
def test_law_every_event_is_taken_exactly_once_whatever_comes_again(cuts: list[int], lost: set[int]) -> None:
    all_ = items(*map(str, range(40)))
    lines: tuple[chain.Line, ...] = ()
    seen: list[int] = []
    position = 0
    for at, size in enumerate(cuts):
        batch = [item for index, item in enumerate(all_[position : position + size], position) if index not in lost]
        for _ in range(1 + at % 2):
            placed = place(lines, batch, float(at))
            lines = placed.lines
            seen += [item.sequence for item in placed.fresh]
        position = min(position + size, 40)
    expected = [item.sequence for index, item in enumerate(all_[:position]) if index not in lost]
    assert seen == expected
    if seen:
        assert lines[0].missing == expected[-1] - expected[0] + 1 - len(expected)


@given(st.lists(st.sampled_from("abcdef"), max_size=30))
def test_law_what_is_written_reads_back(words: list[str]) -> None:
    lines = place((), items(*words)[::2], 10.0, "host").lines
    assert chain.read(chain.written(lines)) == lines


@pytest.mark.parametrize("count", [3, 400])
def test_what_is_remembered_of_a_line_is_bounded(count: int) -> None:
    all_ = items(*map(str, range(count * 2)))
    lines = place((), all_[::2], 10.0).lines
    assert len(str(chain.written(lines))) < 20_000


def spans(lines: tuple[Line, ...]) -> list[tuple[int, int, float | None]]:
    return [(gap.first, gap.last, gap.away_since) for line in lines for gap in line.gaps]


def test_what_this_endpoint_was_never_owed_is_kept_apart_and_only_in_the_gap_that_it_ends() -> None:
    all_ = items(*map(str, range(20)))
    lines = place((), [*all_[:2], *all_[4:6], all_[15]], 10.0).lines
    assert spans(lines) == [(3, 4, None), (7, 15, None)]
    told = not_owed(lines, JOURNAL, 1, 14, 5.0)
    assert spans(told) == [(3, 4, None), (7, 14, 5.0), (15, 15, None)], "an older gap stays a loss, and what came after"
    assert told[0].missing == 3
    assert spans(not_owed(lines, JOURNAL, 9, 15, 5.0)) == [(3, 4, None), (7, 8, None), (9, 15, 5.0)]
    for first, last in ((1, 2), (16, 20), (14, 9), (1, 6)):
        assert not_owed(lines, JOURNAL, first, last, 5.0) == lines
    assert not_owed(lines, "k" * 32, 1, 14, 5.0) == lines
    assert read(written(told)) == told


def test_a_loss_is_written_as_a_version_that_knows_of_no_other_gap_reads_it() -> None:
    all_ = items(*map(str, range(9)))
    lines = place((), [all_[0], all_[2], all_[8]], 10.0).lines
    (row,) = written(not_owed(lines, JOURNAL, 4, 8, 5.0))
    assert [len(gap) for gap in row["gaps"]] == [5, 6]


def test_what_accounts_for_one_gap_piece_by_piece_does_not_make_it_many() -> None:
    all_ = items(*map(str, range(1_001)))
    lines = place((), [all_[0], all_[1_000]], 10.0).lines
    told = accounted(lines, JOURNAL, [(n, n) for n in range(2, 1_000, 2)])
    assert (len(told[0].gaps), told[0].gaps[-1].first) == (64, 999)
    for n in range(2, 1_000, 2):
        lines = not_owed(lines, JOURNAL, n, n, 5.0)
    assert len(lines[0].gaps) == 64
    lines = place((), [all_[0], all_[1_000]], 10.0).lines
    assert len(place(lines, all_[2:1_000:4], 20.0).lines[0].gaps) == 64


def test_what_was_not_owed_and_comes_all_the_same_fills_its_gap() -> None:
    all_ = items(*map(str, range(9)))
    lines = not_owed(place((), [all_[0], all_[8]], 10.0).lines, JOURNAL, 2, 8, 5.0)
    placed = place(lines, all_[1:8], 20.0)
    assert spans(placed.lines) == []
    assert not placed.lines[0].broken

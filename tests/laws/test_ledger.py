"""Invariants of the ledger, on its pure form and on the journal that stores it.

However often a deviation is seen, it is opened once and closed once; a look that could not be completed changes nothing;
what was told rebuilds what is open; a restart at any moment changes nothing of that.
"""

import itertools
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core.deviation import Findings, Key, Sighting
from agent.core.ledger import Change, ChangeKind, Record, advance
from agent.store.journal import Journal
from tests.sim.deviations import KINDS, deviation, encode

SUBJECTS = ("a", "b", "c")
Round = dict[str, tuple[Sighting, str]]

rounds = st.lists(
    st.fixed_dictionaries(
        {name: st.tuples(st.sampled_from(list(Sighting)), st.sampled_from(["one", "two"])) for name in SUBJECTS}
    ),
    max_size=12,
)


def seen(one: Round) -> Findings:
    deviations = {name: deviation(name, text=text) for name, (_, text) in one.items()}
    return Findings(
        present={d.key: d for name, d in deviations.items() if one[name][0] is Sighting.PRESENT},
        looked=KINDS,
        undecided=frozenset(d.key for name, d in deviations.items() if one[name][0] is Sighting.UNKNOWN),
    )


class Ledger:
    """The pure ledger, driven as the journal drives it."""

    def __init__(self) -> None:
        self.open: dict[Key, Record] = {}
        self.resolved: set[Key] = set()

    def commit(self, found: Findings, at: float) -> list[Change]:
        told = []
        for record, change in list(advance(self.open, frozenset(self.resolved), found, at)):
            key = record.deviation.key
            if record.closed_at is None:
                self.open[key] = record
                self.resolved.discard(key)
            else:
                del self.open[key]
                self.resolved.add(key)
            told += [change] if change else []
        return told


def run(sequence: list[Round]) -> tuple[Ledger, list[Change]]:
    ledger = Ledger()
    return ledger, [change for at, one in enumerate(sequence) for change in ledger.commit(seen(one), float(at))]


@given(rounds)
def test_each_deviation_is_opened_once_and_closed_once_in_turn(sequence: list[Round]) -> None:
    _, told = run(sequence)
    for name in SUBJECTS:
        kinds = [c.kind for c in told if c.deviation.key.subject == name and c.kind is not ChangeKind.UPDATED]
        expected = itertools.islice(itertools.cycle((ChangeKind.OPENED, ChangeKind.CLOSED)), len(kinds))
        assert kinds == list(expected)
        decided = [one[name][0] for one in sequence if one[name][0] is not Sighting.UNKNOWN]
        runs = [kind for kind, _ in itertools.groupby(decided)]
        assert kinds.count(ChangeKind.OPENED) == runs.count(Sighting.PRESENT)


@given(rounds)
def test_what_was_told_rebuilds_what_is_open(sequence: list[Round]) -> None:
    ledger, told = run(sequence)
    rebuilt: dict[Key, str] = {}
    for change in told:
        if change.kind is ChangeKind.CLOSED:
            del rebuilt[change.deviation.key]
        else:
            rebuilt[change.deviation.key] = change.deviation.text
    assert rebuilt == {key: record.deviation.text for key, record in ledger.open.items()}


@given(rounds)
def test_seeing_the_same_twice_tells_nothing_the_second_time(sequence: list[Round]) -> None:
    _, once = run(sequence)
    _, twice = run([one for one in sequence for _ in range(2)])
    assert [(c.kind, c.deviation) for c in once] == [(c.kind, c.deviation) for c in twice]


@given(rounds)
def test_looks_that_could_not_see_change_nothing(sequence: list[Round]) -> None:
    blind: Round = dict.fromkeys(SUBJECTS, (Sighting.UNKNOWN, "one"))
    _, plain = run(sequence)
    _, mixed = run([one for each in sequence for one in (blind, each, blind)])
    assert [(c.kind, c.deviation) for c in plain] == [(c.kind, c.deviation) for c in mixed]


@settings(max_examples=25)
@given(sequence=rounds, restarts=st.sets(st.integers(0, 12)))
def test_the_journal_tells_the_same_whenever_it_is_restarted(sequence: list[Round], restarts: set[int]) -> None:
    ledger, expected = run(sequence)
    told: list[Change] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        journal = Journal(path, lambda: 0.0)
        for at, one in enumerate(sequence):
            if at in restarts:
                journal.close()
                journal = Journal(path, lambda: 0.0)
            told += journal.commit(seen(one), float(at), encode)
        stored = {record.deviation.key: record.deviation.text for record in journal.open_deviations()}
        journal.close()
    assert [(c.kind, c.deviation) for c in told] == [(c.kind, c.deviation) for c in expected]
    assert stored == {key: record.deviation.text for key, record in ledger.open.items()}

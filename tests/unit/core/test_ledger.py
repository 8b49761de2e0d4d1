from dataclasses import replace
from itertools import product

from agent.core.deviation import Evidence, Findings, Severity, Sighting
from agent.core.ledger import TRANSITIONS, Change, ChangeKind, Record, Standing, advance, meaning, says_more
from tests.sim.deviations import KINDS, deviation, findings

A = deviation("a")


def step(opened: list[Record], seen: Findings, at: float = 50.0) -> list[tuple[Record, Change | None]]:
    return list(advance({r.deviation.key: r for r in opened}, frozenset(), seen, at))


def test_the_table_lists_all_nine_transitions() -> None:
    assert set(TRANSITIONS) == set(product(Standing, Sighting))


def test_unknown_changes_nothing_in_any_standing() -> None:
    assert all(TRANSITIONS[standing, Sighting.UNKNOWN] == (standing, None) for standing in Standing)


def test_a_deviation_seen_for_the_first_time_is_opened() -> None:
    [(record, change)] = step([], findings(["a"]))
    assert change == Change(ChangeKind.OPENED, record, 50.0)
    assert (record.first_seen, record.last_seen, record.again) == (50.0, 50.0, False)


def test_a_resolved_deviation_that_is_there_again_is_opened_anew() -> None:
    [(record, change)] = advance({}, frozenset({A.key}), findings(["a"]), 50.0)
    assert change is not None
    assert (change.kind, record.first_seen, record.again) == (ChangeKind.OPENED, 50.0, True)


def test_seeing_the_same_again_tells_nothing_and_moves_last_seen() -> None:
    [(record, change)] = step([Record(A, 10.0, 20.0)], findings(["a"]))
    assert (change, record.first_seen, record.last_seen) == (None, 10.0, 50.0)


def test_other_content_while_open_is_an_update_that_names_what_was_told_before() -> None:
    worse = deviation("a", severity=Severity.CRITICAL)
    [(record, change)] = step([Record(A, 10.0, 20.0)], Findings(present={worse.key: worse}, looked=KINDS))
    assert change == Change(ChangeKind.UPDATED, record, 50.0, before=A)
    assert (change.deviation, change.first_seen) == (worse, 10.0)


def test_the_order_of_evidence_means_nothing() -> None:
    first, second = deviation("a").evidence[0], deviation("a", text="x").evidence[0]
    assert meaning(A) == meaning(deviation("a"))
    assert meaning(A) != meaning(deviation("a", text="other"))
    assert first == second


def test_a_detail_that_is_found_out_later_is_no_news_and_another_one_is() -> None:
    bare, hashed, swapped = (
        replace(A, evidence=(*A.evidence, *facts))
        for facts in ((), (Evidence("sha256", "aa"),), (Evidence("sha256", "bb"),))
    )
    assert [says_more(hashed, bare), says_more(bare, hashed), says_more(swapped, hashed)] == [False, False, True]
    [(record, change)] = step([Record(A, 10.0, 20.0)], Findings(present={A.key: hashed}, looked=KINDS))
    assert (change, record.deviation) == (None, hashed)


def test_a_complete_look_without_it_closes_it_and_keeps_when_it_was_seen_last() -> None:
    [(record, change)] = step([Record(A, 10.0, 20.0)], findings())
    assert change == Change(ChangeKind.CLOSED, record, 50.0, before=A)
    assert (record.closed_at, record.last_seen, record.standing) == (50.0, 20.0, Standing.RESOLVED)


def test_a_look_that_could_not_see_the_scope_closes_nothing() -> None:
    assert step([Record(A, 10.0, 20.0)], findings(inconclusive=frozenset({"config/ann"}))) == []


def test_a_clock_that_was_set_back_never_makes_times_run_backwards() -> None:
    [(seen, _)] = step([Record(A, 10.0, 20.0)], findings(["a"]), at=5.0)
    [(closed, _)] = step([Record(A, 10.0, 20.0)], findings(), at=5.0)
    assert (seen.last_seen, closed.closed_at) == (20.0, 20.0)


def test_what_closes_is_told_before_what_opens() -> None:
    told = [change.kind for _, change in step([Record(A, 10.0, 20.0)], findings(["b"])) if change]
    assert told == [ChangeKind.CLOSED, ChangeKind.OPENED]

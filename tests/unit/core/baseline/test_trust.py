from dataclasses import replace

import pytest

from agent.core.baseline.document import BaselineError, read_baseline, written
from agent.core.baseline.record import Outline, Record
from agent.core.baseline.trust import Memory, Standing, weigh
from agent.core.observation import BaselineFile
from agent.core.place import Data, Missing, Trouble, Unreadable
from tests.sim.baselines import DAY_S, ISSUED, Signer, baseline, unsigned

IT, MALLORY = Signer(1), Signer(2)
NOW = ISSUED + DAY_S


def weighed(*files: BaselineFile, memory: Memory | None = None, now: float = NOW) -> tuple[Standing, Memory]:
    return weigh(files, (IT.line,), memory or Memory(), now, "linux")


def serials(standing: Standing) -> list[int]:
    return [item.baseline.serial for item in standing.valid]


def codes(standing: Standing) -> list[str]:
    return [refusal.code for refusal in standing.refused]


def test_a_baseline_that_the_organisation_signed_counts() -> None:
    standing, memory = weighed(IT.signs(baseline(3)))
    assert (serials(standing), standing.proven, codes(standing)) == ([3], True, [])
    assert memory.kept is not None


def test_an_unsigned_baseline_is_refused_where_a_key_is_set() -> None:
    standing, memory = weighed(unsigned(baseline()))
    assert (serials(standing), codes(standing)) == ([], ["unsigned"])
    assert memory.kept is None


def test_an_unsigned_baseline_counts_without_a_key_and_proves_nothing() -> None:
    standing, memory = weigh([unsigned(baseline())], (), Memory(), NOW, "linux")
    assert (serials(standing), standing.proven, memory) == ([1], False, Memory())


def test_key_swap_a_baseline_signed_by_another_key_is_refused() -> None:
    standing, memory = weighed(MALLORY.signs(baseline(9)))
    assert (serials(standing), codes(standing)) == ([], ["signature"])
    assert memory.kept is None


def test_key_swap_the_signature_of_one_baseline_beside_another_is_refused() -> None:
    signed = IT.signs(baseline(1))
    forged = replace(signed, content=unsigned(baseline(2)).content)
    assert codes(weighed(forged)[0]) == ["signature"]


def test_an_expired_baseline_is_refused() -> None:
    standing, _ = weighed(IT.signs(baseline(expires=NOW)))
    assert codes(standing) == ["expired"]
    assert "2027-01-16" in standing.refused[0].why


def test_clock_set_back_does_not_bring_an_expired_baseline_to_life() -> None:
    signed = IT.signs(baseline(expires=NOW + DAY_S))
    _, memory = weighed(signed)
    assert codes(weighed(signed, memory=memory)[0]) == []
    expired, memory = weighed(signed, memory=memory, now=NOW + 2 * DAY_S)
    assert codes(expired) == ["expired"]
    set_back, _ = weighed(signed, memory=memory, now=NOW)
    assert codes(set_back) == ["expired"]


def test_a_newer_signed_baseline_puts_right_a_clock_that_was_wrong_once() -> None:
    old = IT.signs(baseline(1, expires=NOW + DAY_S))
    _, memory = weighed(old, now=NOW + 1000 * DAY_S)
    newer = IT.signs(baseline(2, expires=NOW + DAY_S, issued=NOW))
    standing, memory = weighed(newer, memory=memory, now=NOW)
    assert serials(standing) == [2]
    assert memory.latest == NOW


def test_baseline_rollback_is_refused_and_the_newest_one_still_counts() -> None:
    _, memory = weighed(IT.signs(baseline(7)))
    standing, after = weighed(IT.signs(baseline(6)), memory=memory)
    assert serials(standing) == [7]
    assert codes(standing) == ["rollback"]
    assert standing.gone is not None
    assert "still counts" in standing.gone
    assert after.kept == memory.kept


def test_a_newer_baseline_in_place_of_the_one_before_is_no_rollback() -> None:
    _, memory = weighed(IT.signs(baseline(1)))
    standing, memory = weighed(IT.signs(baseline(2)), memory=memory)
    assert (serials(standing), codes(standing), standing.gone) == ([2], [], None)
    assert codes(weighed(IT.signs(baseline(1)), IT.signs(baseline(2)), memory=memory)[0]) == ["rollback"]


def test_a_removed_baseline_still_counts_and_is_missed() -> None:
    _, memory = weighed(IT.signs(baseline(7)))
    standing, _ = weighed(memory=memory)
    assert serials(standing) == [7]
    assert standing.gone is not None


def test_a_baseline_that_was_accepted_under_a_key_that_no_longer_counts_is_only_a_floor() -> None:
    _, memory = weigh([MALLORY.signs(baseline(7))], (MALLORY.line,), Memory(), NOW, "linux")
    standing, _ = weighed(IT.signs(baseline(6)), memory=memory)
    assert (serials(standing), codes(standing)) == ([], ["rollback"])
    standing, _ = weighed(IT.signs(baseline(8)), memory=memory)
    assert serials(standing) == [8]


def test_several_baselines_count_while_a_roll_out_is_under_way() -> None:
    standing, _ = weighed(IT.signs(baseline(5)), IT.signs(baseline(6)), IT.signs(baseline(7, holds_from=6)))
    assert serials(standing) == [7, 6]
    assert codes(standing) == ["rollback"]


def test_two_different_baselines_of_the_same_serial_are_both_refused() -> None:
    one, other = baseline(4), baseline(4, expires=NOW + DAY_S)
    standing, _ = weighed(IT.signs(one, "/b/one.json"), IT.signs(other, "/b/other.json"))
    assert codes(standing) == ["ambiguous", "ambiguous"]


def test_a_baseline_for_another_system_is_refused() -> None:
    assert codes(weighed(IT.signs(replace(baseline(), os="macos")))[0]) == ["system"]


def test_one_broken_baseline_costs_that_one() -> None:
    broken = BaselineFile("/b/x.json", Unreadable(Trouble.TOO_LARGE, "too large"), Missing())
    raw = IT.signs(baseline(1))
    standing, _ = weighed(broken, raw, replace(raw, path="/b/y.json", signature=Unreadable(Trouble.DENIED, "no")))
    assert serials(standing) == [1]
    assert sorted(codes(standing)) == ["unreadable", "unsigned"]


def test_time_moves_in_steps_so_that_not_every_look_writes() -> None:
    _, memory = weighed(now=NOW)
    assert weighed(memory=memory, now=NOW + 60)[1] == memory
    assert weighed(memory=memory, now=NOW + 7200)[1].latest == NOW + 7200


def test_what_is_written_is_read_again_as_it_was() -> None:
    outline = Outline(("a",), None, "true", {"env": "0" * 64}, {})
    records = (
        Record("/a", "managed-mcp", "1" * 64, "2" * 64, 0, "0644", outline),
        Record("/b", "managed-mcp", "3" * 64),
    )
    whole = baseline(7, *records, expires=NOW, holds_from=3)
    assert read_baseline(written(whole).encode()) == whole


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"serial": 1', '"serial": "1"'),
        ('"serial": 1', '"serial": true'),
        ('"serial": 1', '"serial": 0'),
        ('"os": "linux"', '"os": "beos"'),
        ('"files": []', '"files": {}'),
        ('"files": []', '"files": [{}]'),
        ('"files": []', '"files": [{"path": "/a", "role": "x", "sha256": "1"}]'),
        ('"issued": "2027', '"issued": "27'),
        ("mcp-compliance/baseline/1", "mcp-compliance/baseline/2"),
        ("{", "["),
    ],
)
def test_what_is_no_baseline_says_why(old: str, new: str) -> None:
    text = written(baseline())
    assert old in text
    with pytest.raises(BaselineError):
        read_baseline(text.replace(old, new, 1).encode())


def test_a_path_may_stand_in_a_baseline_once() -> None:
    twice = Record("/a", "managed-mcp", "1" * 64)
    with pytest.raises(BaselineError, match="twice"):
        read_baseline(written(baseline(1, twice, twice)).encode())


def test_a_signature_proves_bytes_and_not_only_their_meaning() -> None:
    signed = IT.signs(baseline())
    assert isinstance(signed.content, Data)
    spaced = replace(signed, content=Data(signed.content.raw + b" ", ()))
    assert codes(weighed(spaced)[0]) == ["signature"]

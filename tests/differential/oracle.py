"""Put fresh random cases to the real Claude Code, and compare what it does with what the engine says.

    python -m tests.differential.oracle --client DIR/node_modules/.bin/claude --pairs 5000 --seed 1

A case that differs is asked twice more, and counts only if it differs every time: under load the client can leave a server out.
What differs is printed as a case that can be run again with `--case FILE` (one case, or a list of them).
"""

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from agent.core.policy.rulesets import NEWEST_RECORDED
from agent.core.policy.session import judge
from tests.differential.random_cases import random_case
from tests.differential.real_client import Servers, UnansweredError, ask
from tests.differential.recorded import Case, recording, stated
from tests.differential.shrink import shrunk

_TIMES = 3
Words = dict[str, str]  # server → "loads", "disabled" or "left out"


@dataclass(frozen=True)
class Compared:
    """How many pairs of policy and server a case compared, every one that differs in words, and how often it was asked."""

    case: Case
    pairs: int
    wrong: tuple[str, ...] = ()
    asked: int = 1


def expected(case: Case) -> Words | None:
    """Return what the engine says of every server, None where it says that the client does not start."""
    outcome = judge(recording(case).session)
    if outcome.refuses is not None:
        return None
    words: Words = {}
    for row in outcome.judged:
        word = "loads" if row.loads is True else ("disabled" if row.loads_code == "disabled" else "left out")
        words[row.server.name] = min(words.get(row.server.name, "left out"), word, key=_WORDS.index)
    return words


_WORDS = ("loads", "disabled", "left out")


def compare(case: Case, client: Path) -> Compared:
    """Ask the client, again where the answers differ."""
    told = expected(case)
    found = Compared(case, 0)
    for asked in range(1, _TIMES + 1):
        wrong = tuple(_differences(told, case, client))
        found = Compared(case, len(told) if told else 1, wrong, asked)
        if not wrong:
            break
    return found


def _differences(told: Words | None, case: Case, client: Path) -> Iterator[str]:
    try:
        real = ask(case, client)
    except UnansweredError as error:
        yield f"no answer: {error}"
        return
    if told is None or real is None:
        if told is not None or real is not None:
            yield f"the client {'does not start' if real is None else 'starts'}"
        return
    for name in dict.fromkeys((*told, *real)):
        really = _seen(real, name)
        if told.get(name, "left out") != really:
            yield f"{name}: the engine says {told.get(name, 'not known')}, the client says {really}"


def _differs(client: Path) -> Callable[[Case], bool]:
    return lambda case: any(_differences(expected(case), case, client))


def _random(seed: int) -> Iterator[Case]:
    chance = random.Random(seed)
    while True:
        yield random_case(chance)


def _compared(cases: Iterable[Case], client: Path, jobs: int) -> Iterator[Compared]:
    """Compare the cases in order, a few at a time."""
    waiting = iter(cases)
    with ThreadPoolExecutor(jobs) as pool:
        while batch := list(islice(waiting, jobs * 4)):
            yield from pool.map(lambda case: compare(case, client), batch)


def main(argv: list[str] | None = None) -> int:
    """Run cases until so many pairs are compared; return 1 if one of them differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--client", type=lambda text: Path(text).absolute(), required=True, help="the installed `claude`"
    )
    parser.add_argument("--pairs", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--case", type=Path, help="a case, or a list of cases, as JSON")
    parser.add_argument("--keep", type=Path, help="write the cases that differ here")
    parser.add_argument(
        "--record", type=Path, help="write the cases with what the client did, as the recordings are kept"
    )
    parser.add_argument(
        "--version", default=NEWEST_RECORDED, help="the version of that `claude` (default: %(default)s)"
    )
    parser.add_argument("--shrink", action="store_true", help="make the cases that differ small")
    arguments = parser.parse_args(argv)
    cases: Iterable[Case] = _random(arguments.seed)
    if arguments.case:
        given = json.loads(arguments.case.read_text())
        cases = given if isinstance(given, list) else [given]
    cases = (stated(case, arguments.version) for case in cases)
    if arguments.record:
        return _record(cases, arguments.client, arguments.record, arguments.jobs)
    pairs, again, failed = 0, 0, list[Case]()
    for found in _compared(cases, arguments.client, arguments.jobs):
        pairs += found.pairs
        again += found.asked > 1 and not found.wrong
        if found.wrong:
            case = shrunk(found.case, _differs(arguments.client)) if arguments.shrink else found.case
            failed.append(case)
            _say("MISMATCH", *found.wrong, json.dumps(case))
        if pairs >= arguments.pairs and not arguments.case:
            break
    if arguments.keep and failed:
        arguments.keep.write_text(json.dumps(failed, indent=1))
    of = "" if arguments.case else f" (seed {arguments.seed})"
    _say(f"{pairs} pairs compared with the real client, {len(failed)} cases differ, {again} only the first time{of}")
    return bool(failed)


def _record(cases: Iterable[Case], client: Path, file: Path, jobs: int) -> int:
    """Put every case to the client, and keep it with its verdicts: one line for each case."""
    with ThreadPoolExecutor(jobs) as pool:
        lines = [
            json.dumps(case, separators=(",", ":")) for case in pool.map(lambda case: recorded(case, client), cases)
        ]
    file.write_text("[\n" + ",\n".join(lines) + "\n]\n")
    return 0


def recorded(case: Case, client: Path) -> Case:
    """Return the case with what the client did with every server that it or the engine knows."""
    real, told = ask(case, client), expected(case)
    names = dict.fromkeys((*(told or ()), *(real or ()))) or {"-": None}
    verdicts = {name: "error" if real is None else _VERDICTS[_seen(real, name)] for name in names}
    return {**case, "verdicts": verdicts}


_VERDICTS = {"loads": "allowed", "disabled": "disabled", "left out": "absent"}


def _seen(real: Servers, name: str) -> str:
    """Say in our words what the client shows of the server `name`."""
    return "left out" if name not in real else ("disabled" if real[name] == "disabled" else "loads")


def _say(*lines: str) -> None:
    sys.stdout.write("\n  ".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

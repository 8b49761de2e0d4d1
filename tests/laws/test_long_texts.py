"""Users write documents and commands of any length, and whoever reads them takes time in proportion, not its square.

Each reader gets texts that a pattern with two beginnings for one character would try for hours, within seconds of processor time.
"""

import multiprocessing
import sys
from collections.abc import Callable

import pytest

from agent.catalog.formats import parse_as
from agent.core.launchers import launch
from agent.core.policy.expansion import NOTHING_KNOWN, expand, has_reference
from agent.core.policy.others.variables import resolve

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no bound of processor time can be set")

LONG = 30_000
CPU_S = 10
PIECES = (
    *("a", "a-", "a.", "a=", "a:", "A_", "aA", "a1", "é", " ", "a ", "=", ":", "@", "//", "\\", '"', "\\'"),
    *(
        "eyJ",
        "eyJaaaaaaaa.",
        "sk-",
        "SG.aaaaaaaaaa",
        "12345678:",
        "-----BEGIN ",
        "--a",
        "-u a:",
        "'a':'",
        '"a":"b\\',
        "sha256:",
    ),
)
DOCUMENTS = {
    "an open string of JSON5": ("json5", b"'" + b"\\'" * 10 * LONG),
    "another open string of JSON5": ("json5", b'"' + b'\\"' * LONG),
    "a TOML key of many parts": ("toml", b"a" + b".a" * LONG + b"=1"),
    "many TOML keys of many parts": ("toml", b"".join(b"k%d" % n + b".a" * 2000 + b"=1\n" for n in range(200))),
}


def bounded(work: Callable[..., object], *given: object) -> None:
    """Run `work` in a process that the system ends when it has used its time."""
    child = multiprocessing.get_context("fork").Process(target=_within, args=(work, *given))
    child.start()
    child.join()
    assert child.exitcode == 0, f"ended with {child.exitcode}: -24 is no more processor time"


def _within(work: Callable[..., object], *given: object) -> None:
    import resource  # noqa: PLC0415 - not on Windows

    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 1))
    work(*given)


def _launch_all() -> None:
    for piece in PIECES:
        word = piece * (LONG // len(piece))
        for command in ((word, word), ("npx", word), ("node", word), ("sh", "-c", word), ("cmd", "/c", word)):
            launch(command)


def _expand_all() -> None:
    for piece in ("${A:-", "${A", "$A", "$", "${A}", "}${A:-"):
        text = piece * (4 * LONG // len(piece))
        has_reference(text)
        expand(text, NOTHING_KNOWN)
        resolve(text, NOTHING_KNOWN)


def test_resolving_variables_takes_time_in_proportion() -> None:
    bounded(_expand_all)


def test_telling_what_a_command_launches_takes_time_in_proportion() -> None:
    bounded(_launch_all)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_takes_time_in_proportion(name: str) -> None:
    form, raw = DOCUMENTS[name]
    bounded(parse_as, raw, form)

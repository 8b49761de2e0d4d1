"""Laws of the other clients' policies: any bytes give an answer, and a pattern takes linear time."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from agent.core.observation import Document, DocumentKind
from agent.core.place import Data, Facts, Place
from agent.core.policy.expansion import Environment
from agent.core.policy.others.patterns import InvalidPatternError, UnknownPatternError, compile_pattern
from agent.core.policy.others.table import ENFORCEMENTS, KINDS
from agent.core.server import Server, ServerScope, Transport
from agent.core.verdict import Answer

PIECES = st.sampled_from(
    [
        b"mcp_servers",
        b"[",
        b"]",
        b"{",
        b"}",
        b'"',
        b"=",
        b"identity",
        b"command",
        b"url",
        b"mcp",
        b"allowed",
        b":",
        b",",
        b"\n",
        b"\xff",
    ]
)
KIND = st.sampled_from(sorted(KINDS))


def _server(client: str) -> Server:
    place = Place("/home/ann/config")
    return Server(
        client=client,
        user="ann",
        scope=ServerScope.USER,
        name="s",
        place=place,
        transport=Transport.STDIO,
        command=("npx", "$X", "a"),
    )


@given(KIND, st.binary(max_size=200) | st.lists(PIECES, max_size=30).map(b"".join))
def test_any_bytes_give_a_verdict(kind: DocumentKind, raw: bytes) -> None:
    document = Document(kind, "/etc/f", Data(raw, (Facts("/etc/f", "file", 0o644, size=len(raw)),)))
    client = KINDS[kind]
    policy = ENFORCEMENTS[client]([document], None)
    assert policy.verdict(_server(client), Environment()).answer in Answer


@given(st.text(alphabet="ab|*+?().[]^$-{}12,\\dw", max_size=12), st.text(alphabet="ab-1", max_size=6))
@example(")|(", "1")  # closes the group that stands around it
def test_a_pattern_that_both_know_matches_as_python_does(expression: str, text: str) -> None:
    try:
        pattern = compile_pattern(f"(?:{expression})")
        same = re.compile(f"(?:{expression})", re.ASCII)
    except (InvalidPatternError, UnknownPatternError, re.error, RecursionError):
        return
    if re.search(r"[*+?}][*+?{]", expression) or "[[" in expression or "$" in expression or "\\Z" in expression:
        return  # Python takes a++ for something else, and $ for the end of the last line
    assert pattern.matches(text) == (same.fullmatch(text) is not None)


def test_a_pattern_made_to_explode_does_not() -> None:
    assert not compile_pattern("(a+)+(a|a)*").matches("a" * 2_000 + "b")

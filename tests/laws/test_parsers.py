"""Whatever users write into their files, the readers give servers or problems, and never another exception."""

import json
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from agent.catalog.entries import Origin
from agent.catalog.formats import Malformed, Parsed, located, parse_as
from agent.catalog.rows import Format, Shape
from agent.catalog.shapes import read_shape
from agent.core.server import ServerScope
from tests.fuzz.reading import FILES, read_all
from tests.golden.samples import content

ORIGIN = Origin("linux", "x", "ann", ServerScope.USER, "/f")
FORMATS: tuple[Format, ...] = get_args(Format)
SHAPES: tuple[Shape, ...] = get_args(Shape)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "mcpServers",
                    "servers",
                    "mcp",
                    "mcp.servers",
                    "projects",
                    "/p",
                    "command",
                    "args",
                    "url",
                    "type",
                    "env",
                    "x",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=30,
)


@given(JSON, st.sampled_from(SHAPES), st.sampled_from(["", "/mcpServers", "/mcp/servers"]))
def test_any_value_gives_servers_or_problems_in_every_shape(value: object, shape: Shape, pointer: str) -> None:
    found = read_shape(shape, value, pointer, ORIGIN)
    named = {"docker_enabled", "docker_profiles", "connector_names", "names"}
    assert shape in named or all(server.command or server.url is not None for server in found.servers)
    json.dumps([server.key for server in found.servers])


@given(st.binary(max_size=200), st.sampled_from(FORMATS))
def test_any_bytes_give_a_value_or_a_place(raw: bytes, form: Format) -> None:
    assert isinstance(parse_as(raw, form), Parsed | Malformed)


@given(JSON, st.sampled_from(SHAPES))
def test_every_problem_can_be_located_in_the_text_it_came_from(value: object, shape: Shape) -> None:
    parsed = parse_as(json.dumps(value).encode(), "json")
    assert isinstance(parsed, Parsed)
    problems = read_shape(shape, parsed.value, "/mcpServers", ORIGIN).problems
    assert [problem.text for problem in located(problems, parsed)] == [problem.text for problem in problems]


@given(st.integers(0, len(FILES) - 1), st.data())
def test_any_bytes_in_place_of_any_file_of_the_catalog_give_entries_or_problems(
    number: int, data: st.DataObject
) -> None:
    """What `make fuzz` does for longer, and guided by what is covered: whole files, cut, with other bytes put in."""
    whole = content(FILES[number][1])
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(whole)), st.integers(0, len(whole)))))
    read_all(number, whole[:start] + data.draw(st.binary(max_size=20)) + whole[end:])


def test_every_file_of_the_catalog_is_fuzzed_from_a_sample_that_defines_servers() -> None:
    silent = {
        file.shape for number, (_, file) in enumerate(FILES) if not read_all(number, content(file)).servers.servers
    }
    assert silent == set()

"""The published description of the API is current, sound, and says of every route what it does."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import jsonschema
import pytest
from sqlalchemy import Engine
from starlette.routing import BaseRoute, Mount, Route

from central.app import central
from central.config import Settings
from central.core.access import Role
from central.core.receive import Taken
from central.web.openapi import BatchAnswer, document, operations
from tests.sim.central import Receiver
from tests.sim.house import House
from tests.sim.reporter import Reporter

PUBLISHED = Path(__file__).parents[4] / "docs" / "central-openapi.json"


def walked(routes: Iterable[BaseRoute]) -> Iterator[tuple[str, str]]:
    for route in routes:
        if isinstance(route, Mount):
            yield from walked(route.routes)
        elif isinstance(route, Route):
            for method in route.methods or ():
                yield method.lower(), route.path


def test_the_document_in_docs_is_what_the_program_prints() -> None:
    assert json.loads(PUBLISHED.read_text()) == json.loads(json.dumps(document())), (
        "write it anew: make docs, or mcp-compliance-central openapi > docs/central-openapi.json"
    )


def test_every_route_of_the_api_is_described_and_nothing_else(tmp_path: Path) -> None:
    made = central(Settings(state_folder=tmp_path))
    made.engine.dispose()
    served = {
        (method, path)
        for method, path in walked(made.app.routes)
        if path.startswith("/v1/") and method in ("get", "post", "put", "patch", "delete")
    }
    told = {(each.method, each.path) for each in operations() if each.path.startswith("/v1/")}
    assert told == served


def test_it_is_sound_and_every_reference_leads_somewhere() -> None:
    whole = document()
    names = set(whole["components"]["schemas"])
    used = {text.split('"', 1)[0] for text in json.dumps(whole).split("#/components/schemas/")[1:]}
    assert used <= names
    for schema in whole["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    ids = [operation["operationId"] for path in whole["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids))


ASKED = [each.path for each in operations() if each.permission and each.method == "get" and "{" not in each.path]


@pytest.mark.parametrize("path", [path for path in ASKED if path != "/v1/alerts"])  # which answers with lines
def test_answers_are_as_described(house: House, path: str) -> None:
    whole = document()
    described = whole["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    answer = house.person(Role.ADMIN).get(path)
    assert answer.status_code == 200, answer.text
    jsonschema.validate(answer.json(), described | {"components": whole["components"]})


def test_what_a_device_is_told_is_as_described(engine: Engine, tmp_path: Path) -> None:
    receiver, laptop = Receiver(engine), Reporter(tmp_path)
    receiver.admits(laptop)
    laptop.beats()
    (outcome,) = receiver.takes(laptop.sends())
    assert isinstance(outcome, Taken)
    assert BatchAnswer.model_validate(outcome.answer).accepted == 1

"""The published description of our own protocol is current, sound, and says what the sink really does."""

import gzip
import json
import re
from pathlib import Path

import jsonschema

from agent.cli.schema import schema
from agent.ports import Accepted
from agent.sinks.https import HttpsSink, HttpsTarget
from tests.sim.batches import batch_of
from tests.sim.clock import ManualClock
from tests.sim.endpoint import Endpoint

PUBLISHED = Path(__file__).parents[3] / "docs" / "openapi.json"
BATCH = batch_of("b1", 1, 1, ({"metadata": {"sequence": 1}},))


def test_the_document_in_docs_is_what_the_program_prints() -> None:
    assert json.loads(PUBLISHED.read_text()) == schema("openapi"), (
        "write it anew: mcp-compliance schema openapi > docs/openapi.json"
    )


def test_every_header_that_is_described_is_sent_and_the_body_is_as_described(tmp_path: Path) -> None:
    (described,) = (path["post"] for path in schema("openapi")["paths"].values())
    with Endpoint() as endpoint:
        target = HttpsTarget(
            url=endpoint.url, ca_file=endpoint.ca_file(tmp_path), device_id="d1", token="t", hmac_key=b"k"
        )
        sink = HttpsSink(target, ManualClock())
        assert sink.send(BATCH) == Accepted()
        sink.close()
        (request,) = endpoint.requests
    for parameter in described["parameters"]:
        value = request.headers[parameter["name"]]
        kind = parameter["schema"]["type"]
        jsonschema.validate(int(value) if kind == "integer" else value, parameter["schema"])
    assert list(described["requestBody"]["content"]) == [request.headers["Content-Type"]]
    assert json.loads(gzip.decompress(request.body)) == next(BATCH.events)


def test_the_schema_of_an_event_is_a_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema("event"))


def test_every_part_that_the_document_refers_to_is_in_it() -> None:
    text = json.dumps(schema("openapi"))
    parts = schema("openapi")["components"]["schemas"]
    wanted = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert wanted <= parts.keys()
    assert set(re.findall(r'"#/\$defs', text)) == set()

"""The whole API as an OpenAPI 3.1 document, made from the code that answers.

Questions and deeds are described by their tables: a new row there is in the document by itself. A route of another kind gets an
`Operation` in `_OTHERS`. A test holds the document to the routes of the program, both ways.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, TypeAdapter

from agent import __version__
from central.asking.preview import PreviewAnswer
from central.core.access import SCOPES, Permission
from central.core.refusal import EVENT_REFUSALS, REFUSALS
from central.web.deeds import DEEDS
from central.web.feed import CURSOR, FeedSearch
from central.web.granting import GRANTS
from central.web.questions import Deed, Question
from central.web.receiving import EnrolmentRequest
from central.web.tables import QUESTIONS

Proof = Literal["token", "device", "enrolment", "nobody"]
_NDJSON = "application/x-ndjson"
_REF = "#/components/schemas/{model}"
_TEXT = {"type": "string"}


class Problem(BaseModel):
    """Why something is refused: a code that stays what it is, and a sentence for people."""

    model_config = ConfigDict(extra="forbid")

    code: str
    text: str


class BatchAnswer(BaseModel):
    """What became of a batch, and what the device is asked for: a look (since when, Unix seconds), a new credential."""

    model_config = ConfigDict(extra="forbid")

    accepted: int
    repeats: int
    dropped: Annotated[
        dict[str, int], Field(description="by code: " + "; ".join(f"{k}: {v}" for k, v in EVENT_REFUSALS.items()))
    ]
    look: float | None = None
    rotate: bool = False
    restate: Annotated[
        float | None,
        Field(
            description="tell anew all that holds, and by `whole` of a sign of life what that is: reports did not continue"
        ),
    ] = None


class EnrolmentAnswer(BaseModel):
    """The device that is enrolled."""

    model_config = ConfigDict(extra="forbid")

    device: str


class Candidate(RootModel[Any]):
    """The content of a managed-settings.json that is not deployed yet; what is none is answered with what is wrong in it."""


class Done(BaseModel):
    """What was done: how many alerts it was done to, the name of what was made, or that it was."""

    model_config = ConfigDict(extra="forbid")

    done: int | str | bool


class FeedEnd(BaseModel):
    """Where the feed of alerts ends now."""

    model_config = ConfigDict(extra="forbid")

    cursor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path. `returns` is the type of the answer, None for text; `refused` are statuses with what they mean.

    `params` stand in the query, `body` is JSON unless `body_media` says otherwise; `headers` are (name, schema, text, required).
    """

    path: str
    method: Literal["get", "post"]
    summary: str
    proof: Proof = "token"
    permission: Permission | None = None
    params: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    body_media: str = "application/json"
    returns: Any = None
    media: str = "application/json"
    headers: Sequence[tuple[str, Mapping[str, Any], str, bool]] = ()
    answered: Mapping[str, tuple[Mapping[str, Any], str]] = field(default_factory=dict)
    refused: Mapping[int, str] = field(default_factory=dict)


def operations() -> Iterator[Operation]:
    """Yield all that can be called."""
    yield from _OTHERS
    for question in QUESTIONS:
        yield _of_question(question)
    for deed in DEEDS:
        yield _of_deed(deed)


def document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    every = list(operations())
    types = {kind for each in every for kind in (each.body, each.returns) if kind is not None}
    adapters: dict[Any, TypeAdapter[Any]] = {kind: TypeAdapter(kind) for kind in (*types, Problem)}
    schemas, found = TypeAdapter.json_schemas(
        [
            (kind, _mode(kind, every), adapter)
            for kind, adapter in sorted(adapters.items(), key=lambda row: row[0].__name__)
        ],
        ref_template=_REF,
    )
    refs = {kind: schema for (kind, _), schema in schemas.items()}
    paths: dict[str, dict[str, Any]] = {}
    for each in every:
        paths.setdefault(each.path, {})[each.method] = _operation(each, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mcp-compliance-central",
            "version": __version__,
            "description": "Devices report, people and programs ask. What a device must do besides stands in the agent's own"
            " document, docs/openapi.json.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {path: paths[path] for path in sorted(paths)},
        "components": {"schemas": _without_nul(found.get("$defs", {}), every), "securitySchemes": _PROOFS},
    }


def _mode(kind: object, every: Sequence[Operation]) -> Literal["validation", "serialization"]:
    return "validation" if any(kind is each.body for each in every) else "serialization"


def _of_question(question: Question) -> Operation:
    return Operation(
        path=f"/v1{question.api or question.path}",
        method="get",
        summary=question.summary,
        permission=question.permission,
        params=question.params,
        returns=question.returns,
        refused=_ASKING | ({404: "there is nothing like that"} if "{" in question.path else {}),
    )


def _of_deed(deed: Deed) -> Operation:
    return Operation(
        path=f"/v1{deed.path}",
        method="post",
        summary=deed.summary,
        permission=deed.permission,
        body=deed.params,
        returns=Done,
        refused=_ASKING
        | {404: "there is nothing like that", 413: "the body is too large"}
        | ({409: "it is not possible now; the text says why"} if deed in GRANTS else {}),
    )


def _operation(each: Operation, refs: Mapping[Any, Any]) -> dict[str, Any]:
    places = [
        {"name": name, "in": "path", "required": True, "schema": _named({"type": "string", "minLength": 1})}
        for name in re.findall(r"{(\w+)}", each.path)
    ]
    headers = [
        {"name": name, "in": "header", "required": required, "schema": dict(schema), "description": text}
        for name, schema, text, required in each.headers
    ]
    told: dict[str, Any] = {
        "operationId": f"{each.method}{re.sub(r'[^A-Za-z0-9]+', '_', each.path.removeprefix('/v1'))}",
        "summary": each.summary,
        "parameters": [*places, *_queried(each), *headers],
        "responses": {"200": _answer(each, refs)}
        | {str(status): _refusal(text) for status, text in each.refused.items()},
        "security": [{name: []} for name in _SHOWN[each.proof]],
    }
    if each.permission is not None:
        told["description"] = (
            f"Takes the scope `{each.permission.value}`."
            if each.permission in SCOPES
            else "For people who are signed in and have the role admin; no token may."
        )
    if each.body is not None or each.body_media != "application/json":
        schema = refs[each.body] if each.body is not None else _TEXT
        needed = each.body_media != "application/json" or bool(refs[each.body] and _required(each.body))
        told["requestBody"] = {"required": needed, "content": {each.body_media: {"schema": schema}}}
    return told


def _required(kind: type[BaseModel] | None) -> bool:
    return kind is not None and any(member.is_required() for member in kind.model_fields.values())


def _queried(each: Operation) -> list[dict[str, Any]]:
    if each.params is None:
        return []
    schema = each.params.model_json_schema()
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "schema": _named({key: value for key, value in member.items() if key not in ("title", "description")}),
            "description": member.get("description", ""),
        }
        for name, member in schema.get("properties", {}).items()
    ]


def _named(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter with what no database takes excluded."""
    free = schema.get("type") == "string" and not {"pattern", "enum"} & set(schema)
    return {**schema, "pattern": r"^[^\u0000]*$"} if free else dict(schema)


def _without_nul(schemas: Mapping[str, Any], every: Sequence[Operation]) -> dict[str, Any]:
    """Return the schemas, those of bodies with that on their texts."""
    bodies = {each.body.__name__ for each in every if each.body is not None}
    return {
        name: schema
        if name not in bodies or "properties" not in schema
        else {**schema, "properties": {key: _named(member) for key, member in schema["properties"].items()}}
        for name, schema in schemas.items()
    }


def _answer(each: Operation, refs: Mapping[Any, Any]) -> dict[str, Any]:
    schema = refs[each.returns] if each.returns is not None else _TEXT
    told: dict[str, Any] = {"description": "Done.", "content": {each.media: {"schema": schema}}}
    if each.answered:
        told["headers"] = {
            name: {"schema": dict(kind), "description": text} for name, (kind, text) in each.answered.items()
        }
    return told


def _refusal(text: str) -> dict[str, Any]:
    return {
        "description": text,
        "content": {"application/json": {"schema": {"$ref": _REF.format(model=Problem.__name__)}}},
    }


def _by_status(codes: Mapping[str, tuple[int, str]]) -> dict[int, str]:
    found: dict[int, list[str]] = {}
    for code, (status, text) in codes.items():
        found.setdefault(int(status), []).append(f"`{code}`: {text}")
    return {status: "; ".join(found[status]) for status in sorted(found)}


_ASKING = {
    400: "a parameter is unknown, or not as it must be",
    401: "nobody is known by this token",
    403: "the token lacks the scope",
    503: "the database does not answer now",
}
_PROOFS = {
    "token": {"type": "http", "scheme": "bearer", "description": "made by `mcp-compliance-central token make`"},
    "device": {"type": "http", "scheme": "bearer", "description": "the credential that the device made itself"},
    "certificate": {"type": "mutualTLS", "description": "the certificate of the device"},
    "enrolment": {
        "type": "http",
        "scheme": "bearer",
        "description": "the organisation's enrolment key, or the device's credential",
    },
}
_SHOWN: Mapping[Proof, Sequence[str]] = {
    "token": ("token",),
    "device": ("device", "certificate"),
    "enrolment": ("enrolment",),
    "nobody": (),
}
_OTHERS = (
    Operation(
        path="/v1/events",
        method="post",
        summary="Take a batch of a device's events, one a line; 200 says that it is stored durably",
        proof="device",
        body_media=_NDJSON,
        headers=(
            (
                "Idempotency-Key",
                {"type": "string", "pattern": "^[!-~]{8,128}$"},
                "the batch; a repeat has the same",
                True,
            ),
            ("X-Device-Id", {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._:-]{7,63}$"}, "the device", True),
            ("Content-Encoding", {"enum": ["gzip", "identity"]}, "how the body is packed", False),
            (
                "X-Timestamp",
                {"type": "string", "pattern": "^[0-9]{1,15}$"},
                "Unix seconds; where batches are signed",
                False,
            ),
            (
                "X-Signature",
                {"type": "string", "pattern": "^sha256=[0-9a-f]{64}$"},
                "HMAC over stamp, `.`, body",
                False,
            ),
        ),
        returns=BatchAnswer,
        refused=_by_status(REFUSALS),
    ),
    Operation(
        path="/v1/enrolment",
        method="post",
        summary="Let a device in, or let it change its credential; saying the same again changes nothing",
        proof="enrolment",
        body=EnrolmentRequest,
        returns=EnrolmentAnswer,
        refused={
            400: "`enrolment-malformed`: what is wrong stands in the text",
            401: "`enrolment-key-unknown`: no valid key, nor the device's present credential",
            403: "`credential-revoked`: an administrator ended it",
            409: "`already-enrolled`: with another credential, which an administrator must revoke first",
            413: "`body-large`: the body is too large",
            503: "`storage`: the database cannot store now",
        },
    ),
    Operation(
        path="/v1/alerts",
        method="get",
        summary="The alerts as OCSF events, one a line, in the order in which they were stored",
        permission=Permission.FEED,
        params=FeedSearch,
        media=_NDJSON,
        answered={CURSOR: ({"type": "string", "pattern": "^[0-9]+$"}, "what to give as `after` the next time")},
        refused=_ASKING | {409: "the cursor is beyond the end of the feed, which a restore of the database set back"},
    ),
    Operation(
        path="/v1/alerts/cursor",
        method="get",
        summary="Where the feed ends now",
        permission=Permission.READ,
        returns=FeedEnd,
        refused=_ASKING,
    ),
    Operation(
        path="/v1/preview",
        method="post",
        summary="What a candidate managed-settings.json would newly block or allow, from the recorded inventory",
        permission=Permission.PREVIEW,
        body=Candidate,
        returns=PreviewAnswer,
        refused=_ASKING | {413: "the body is too large"},
    ),
    *(
        Operation(path=path, method="get", summary=summary, proof="nobody", media="text/plain", refused={})
        for path, summary in (
            ("/healthz", "Whether this process should go on"),
            ("/readyz", "Whether reports can be stored now"),
            ("/metrics", "Figures for Prometheus"),
        )
    ),
)

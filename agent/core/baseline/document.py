"""A baseline as people and programs exchange it: one JSON object, schema `mcp-compliance/baseline/1`.

    {"schema": "mcp-compliance/baseline/1", "serial": 7, "holds_from": 6, "os": "linux",
     "issued": "2026-11-01T00:00:00Z", "expires": "2027-05-01T00:00:00Z",
     "files": [{"path": …, "role": …, "sha256": …, "meaning": …, "owner": 0, "mode": "0644", "outline": {…}}]}

`serial` grows with every baseline. Those from `holds_from` on stay valid beside it while a roll-out is under way; all before it
are revoked. `expires` may be null. Members that are not known are kept out, not refused: a newer program may write more.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, cast, get_args

from agent.core.baseline.record import Outline, Record
from agent.core.jsontext import JsonError, decode, parse
from agent.core.place import Os

SCHEMA = "mcp-compliance/baseline/1"
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_HEX_DIGITS = 64


class BaselineError(ValueError):
    """The text is no baseline; the message says what is wrong, without a path."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the managed files of the devices of one system must be. Times are Unix seconds."""

    serial: int
    issued: float
    os: Os
    files: tuple[Record, ...]
    expires: float | None = None
    holds_from: int | None = None

    @property
    def floor(self) -> int:
        """The lowest serial that is valid beside this one."""
        return self.serial if self.holds_from is None else min(self.holds_from, self.serial)

    def record(self, path: str) -> Record | None:
        """Return the record of the file at `path`."""
        return next((record for record in self.files if record.path == path), None)


def written(baseline: Baseline) -> str:
    """Return the text of `baseline`: indented JSON with a line break at its end, the same for equal baselines."""
    document = {
        "schema": SCHEMA,
        "serial": baseline.serial,
        "holds_from": baseline.floor,
        "os": baseline.os,
        "issued": moment(baseline.issued),
        "expires": None if baseline.expires is None else moment(baseline.expires),
        "files": [asdict(record) for record in sorted(baseline.files, key=lambda record: record.path)],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def read_baseline(raw: bytes) -> Baseline:
    """Return the baseline in `raw`.

    Raises:
        BaselineError: it is none, and why.
    """
    try:
        value = parse(decode(raw))
    except JsonError as error:
        raise BaselineError(f"it is not JSON ({error})") from None
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise BaselineError(f'it is no baseline: "schema" is not "{SCHEMA}"')
    return Baseline(
        serial=_number(value, "serial"),
        issued=_moment(value, "issued"),
        os=_os(value),
        files=read_records(value.get("files")),
        expires=None if value.get("expires") is None else _moment(value, "expires"),
        holds_from=None if value.get("holds_from") is None else _number(value, "holds_from"),
    )


def moment(at: float) -> str:
    """Return a time as a baseline writes it."""
    return datetime.fromtimestamp(at, UTC).strftime(_TIME)


def read_moment(text: str) -> float:
    """Return the Unix time of `2026-11-01T00:00:00Z` or of a day, `2026-11-01`; raise `ValueError` for anything else."""
    form = _TIME if "T" in text else "%Y-%m-%d"
    return datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()


def _number(value: Mapping[str, Any], name: str) -> int:
    number = value.get(name)
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise BaselineError(f'"{name}" is not a whole number from 1 on')
    return number


def _moment(value: Mapping[str, Any], name: str) -> float:
    try:
        return read_moment(value[name])
    except (KeyError, TypeError, ValueError, OverflowError):
        raise BaselineError(f'"{name}" is not a time such as 2026-11-01T00:00:00Z') from None


def _os(value: Mapping[str, Any]) -> Os:
    if value.get("os") not in get_args(Os):
        raise BaselineError(f'"os" is none of {", ".join(get_args(Os))}')
    return cast("Os", value["os"])


def read_records(value: object) -> tuple[Record, ...]:
    """Return the records that a parsed JSON list holds; raise `BaselineError` where one is wrong."""
    if not isinstance(value, list):
        raise BaselineError('"files" is not a list')
    records = tuple(_record(item, at) for at, item in enumerate(value))
    if len({record.path for record in records}) != len(records):
        raise BaselineError("a path stands in it twice")
    return records


def _record(value: object, at: int) -> Record:
    if not isinstance(value, dict) or not all(isinstance(value.get(name), str) for name in ("path", "role", "sha256")):
        raise BaselineError(f"files[{at}] lacks path, role or sha256")
    meaning, owner, mode = value.get("meaning"), value.get("owner"), value.get("mode")
    digests = [value["sha256"], *([meaning] if meaning is not None else [])]
    if not all(isinstance(digest, str) and len(digest) == _HEX_DIGITS for digest in digests):
        raise BaselineError(f"files[{at}]: a digest is not 64 hexadecimal digits")
    if not isinstance(owner, int | None) or not isinstance(mode, str | None):
        raise BaselineError(f"files[{at}]: owner is a number or null, mode a text or null")
    return Record(value["path"], value["role"], value["sha256"], meaning, owner, mode, _outline(value.get("outline")))


def _outline(value: object) -> Outline:
    """Return the outline, which only serves people: what is wrong in it is left out."""
    if not isinstance(value, dict):
        return Outline()
    lock = value.get("lock")
    servers = value.get("servers")
    return Outline(
        allow=_texts(value.get("allow")),
        deny=_texts(value.get("deny")),
        lock=lock if isinstance(lock, str) else None,
        members=_named(value.get("members")),
        servers=_named(servers) if isinstance(servers, dict) else None,
    )


def _texts(value: object) -> tuple[str, ...] | None:
    return tuple(str(item) for item in value) if isinstance(value, Sequence) and not isinstance(value, str) else None


def _named(value: object) -> dict[str, str]:
    return {str(name): str(item) for name, item in value.items()} if isinstance(value, dict) else {}

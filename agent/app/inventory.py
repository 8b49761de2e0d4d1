"""What the program consists of, counted by loading it: what a frozen program lost on the way shows here, and nowhere earlier.

Each part is a row of `PARTS`: how many there are, found by really using each one. The build writes down what the source tree had
(`EXPECTED`, beside the frozen modules), and the frozen program compares itself with that.
"""

import importlib
import io
import json
import pkgutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from ssl import PROTOCOL_TLS_CLIENT
from typing import Any, get_args

import agent
from agent.app.destinations import Unusable, destinations
from agent.app.looking import Target, eyes
from agent.app.sender import Sender
from agent.catalog.entries import Origin
from agent.catalog.formats import Malformed, parse_as
from agent.catalog.rows import Format, Shape, catalog, shared_folders
from agent.catalog.shapes import read_shape
from agent.config.destinations import Destination
from agent.config.settings import Settings
from agent.core.control import CONTROLS
from agent.core.launcher_tables import FORMS, INTERPRETERS, SPECS
from agent.core.launchers import launch
from agent.core.policy.others.table import ENFORCEMENTS
from agent.core.policy.rulesets import SINCE, rules_for
from agent.core.server import ServerScope
from agent.core.wire import CLASSES
from agent.host.machine import this_machine
from agent.runtime.clock import SystemClock
from agent.status.conditions import CONDITIONS
from agent.status.formats import FORMATS as STATUS_FORMATS

EXPECTED = "inventory.json"

_OTHER_SYSTEMS = {
    "linux": ("_windows", "_macos"),
    "darwin": ("_windows", "_linux"),
    "win32": ("_linux", "_macos", "_posix"),
}
"""How the names of modules end that exist for other systems than this one."""

_SAMPLES: Mapping[Format, bytes] = {
    "json": b'{"a": 1}',
    "json-utf8": b'{"a": 1}',
    "jsonc": b'{"a": 1} // note',
    "json5": b"{a: 1}",
    "toml": b"a = 1",
    "yaml": b"a: 1",
    "front-matter": b"---\na: 1\n---\ntext",
    "xml": b"<a/>",
    "plist": b'<?xml version="1.0"?><plist version="1.0"><dict><key>a</key><integer>1</integer></dict></plist>',
    "properties": b"a=1",
    "shell": b"a 1",
    "text": b"a",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of thing that the program holds. `count` is None where it does not load, and `problem` says why."""

    name: str
    count: int | None
    expected: int | None = None
    problem: str | None = None

    @property
    def whole(self) -> bool:
        """Whether everything is there."""
        return self.count is not None and self.expected in (None, self.count)


def inventory(expected: Mapping[str, int] | None = None) -> tuple[Part, ...]:
    """Load everything and count it. Nothing is looked at on this machine, and nothing is sent."""
    known = _written() if expected is None else expected
    return tuple(_taken(name, count, known.get(name)) for name, count in PARTS.items())


def counts(parts: tuple[Part, ...]) -> dict[str, int]:
    """Return what `EXPECTED` holds.

    Raises:
        ValueError: a part does not load, so nothing may be expected of anybody.
    """
    for part in parts:
        if part.count is None:
            raise ValueError(f"{part.name}: {part.problem}")
    return {part.name: part.count for part in parts if part.count is not None}


def _written() -> dict[str, int]:
    """Return what the build wrote down; the source tree has none."""
    try:
        found: dict[str, int] = json.loads(files("agent").joinpath(EXPECTED).read_bytes())
    except FileNotFoundError:
        return {}
    return found


def _taken(name: str, count: Callable[[], int], expected: int | None) -> Part:
    try:
        return Part(name, count(), expected)
    except Exception as error:  # noqa: BLE001 - whatever keeps a part from loading is what is asked for
        return Part(name, None, expected, f"{type(error).__name__}: {error}")


def _modules() -> int:
    others = _OTHER_SYSTEMS.get(sys.platform, ())
    names = [name for name in _names(agent.__path__, "agent.") if not name.endswith(others)]
    for name in names:
        importlib.import_module(name)
    return len(names)


def _names(path: Any, prefix: str) -> Iterator[str]:  # noqa: ANN401 - a package's __path__
    for found in pkgutil.iter_modules(path, prefix):
        yield found.name
        if found.ispkg:
            yield from _names(importlib.import_module(found.name).__path__, f"{found.name}.")


def _places() -> int:
    return sum(len(row.file) + len(row.unread) + len(row.projects) + len(row.pointer) for row in catalog().rows)


def _formats() -> int:
    for form in get_args(Format):
        parsed = parse_as(_SAMPLES[form], form)
        if isinstance(parsed, Malformed):
            raise ValueError(f"{form}: {parsed.message}")  # noqa: TRY004 - the sample is right, so the parser is not
    return len(get_args(Format))


def _shapes() -> int:
    origin = Origin("linux", "client", "user", ServerScope.USER, "/file")
    for shape in get_args(Shape):
        read_shape(shape, {}, "", origin)
    return len(get_args(Shape))


def _destinations() -> int:
    union, _discriminator = get_args(Destination)
    kinds = [kind for model in get_args(union) for kind in get_args(get_args(model.__annotations__["kind"])[0])]
    with tempfile.TemporaryDirectory() as folder:
        url = "https://reports.invalid"
        given = {"url": url, "host": "reports.invalid", "path": str(Path(folder, "more.jsonl"))}
        fields = {kind: model.model_fields for kind, model in zip(kinds, get_args(union), strict=True)}
        rows = [{"kind": kind, **{k: v for k, v in given.items() if k in fields[kind]}} for kind in kinds]
        settings = Settings.model_validate({"endpoint": {"url": url}, "destination": rows})
        built = tuple(destinations(settings, Sender(Path(folder), "device"), SystemClock()))
        for found in built:
            if isinstance(found, Unusable):
                raise ValueError(found.text)  # noqa: TRY004 - a value that says so, not a wrong type
            found.sink.close()
    return len(built)


def _sources() -> int:
    return len(eyes(Target(), Settings(), this_machine(), "device").sources)


def _rule_sets() -> int:
    return len({rules_for(version)[0] for version in SINCE})


def _launchers() -> int:
    for name in FORMS:
        launch([name, "something"])
    return sum(len(forms) for forms in FORMS.values()) + len(INTERPRETERS) + len(SPECS)


def _libraries() -> int:
    for use in _LIBRARIES:
        use()
    return len(_LIBRARIES)


def _use_cryptography() -> None:
    # here and below: a library that is missing costs its own line
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    key = Ed25519PrivateKey.generate()
    key.public_key().verify(key.sign(b"text"), b"text")


def _use_psutil() -> None:
    import psutil  # noqa: PLC0415

    psutil.Process().create_time()


def _use_pydantic() -> None:
    from pydantic_core import Url  # noqa: PLC0415

    if str(Url("HTTPS://Example.com:443/a/../b")) != "https://example.com/b":
        raise ValueError("pydantic reads URLs wrongly")


def _use_requests() -> None:
    import requests  # noqa: PLC0415
    import truststore  # noqa: PLC0415

    truststore.SSLContext(PROTOCOL_TLS_CLIENT)
    requests.Session().close()
    b"".decode("idna")


def _use_sqlite() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("SELECT json_extract('{\"a\": 1}', '$.a')").fetchone()


def _use_watchdog() -> None:
    from watchdog.observers import Observer  # noqa: PLC0415

    Observer()


def _use_rich() -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    drawn = Table("a heading")
    drawn.add_row("wide: \N{CJK UNIFIED IDEOGRAPH-6F22}")
    Console(file=io.StringIO(), force_terminal=True).print(drawn)


_LIBRARIES = (_use_cryptography, _use_psutil, _use_pydantic, _use_requests, _use_rich, _use_sqlite, _use_watchdog)

PARTS: Mapping[str, Callable[[], int]] = {
    "modules": _modules,
    "client rows": lambda: len(catalog().rows),
    "client places": _places,
    "shared folders": lambda: len(shared_folders()),
    "formats": _formats,
    "shapes": _shapes,
    "launchers": _launchers,
    "policy rule sets": _rule_sets,
    "other clients' policies": lambda: len(ENFORCEMENTS),
    "controls": lambda: len(CONTROLS),
    "sources": _sources,
    "destinations": _destinations,
    "event classes": lambda: len(CLASSES),
    "health conditions": lambda: len(CONDITIONS),
    "status formats": lambda: len(STATUS_FORMATS),
    "libraries": _libraries,
}
"""Every part by its name, in the order in which they are printed."""

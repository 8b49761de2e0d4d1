"""Random policies and servers for the oracle: seeded, small alphabets, so that entries and servers meet often."""

import json
from random import Random
from typing import Any

Case = dict[str, Any]
_HOSTS = [
    "h.example",
    "a.h.example",
    "b.a.h.example",
    "H.Example",
    "h.example.",
    "evilh.example",
    "127.0.0.1",
    "127.1",
    "[::1]",
]
_PATTERN_HOSTS = [*_HOSTS, "*.h.example", "*h.example", "h.*", "*", "a.*.example", "h.example*", "*.example"]
_PORTS = ["", "", "", ":443", ":80", ":8443", ":0443", ":"]
_PATTERN_PORTS = [*_PORTS, ":*", ":84*", ":8*3"]
_PATHS = [
    "",
    "/",
    "/mcp",
    "/mcp/",
    "/mcp/a",
    "/MCP",
    "/%6dcp",
    "/mcp?x=1",
    "/mcp/?x=1",
    "/a/../mcp",
    "//mcp",
    "/mcp#f",
    "/mcp//",
]
_PATTERN_PATHS = [
    "",
    "",
    "/",
    "/*",
    "/*",
    "/mcp",
    "/mcp/",
    "/mcp/*",
    "/mcp*",
    "/*a",
    "/mcp?x=*",
    "/mcp?*",
    "/mcp/..",
    "/#f",
    "?x=1",
]
_SCHEMES = ["https", "https", "https", "http", "wss", "HTTPS"]
_PATTERN_SCHEMES = [*_SCHEMES, "*", "*", "http*", ""]
_WORDS = ["-y", "pkg", "pkg@1", "a", "b", "${A}", "${NOPE}", "${NOPE:-a}", "$A", "*", "é", ""]
_NAMES = ["s1", "s2", "s3", "gh", "GH", "my srv", "a.b"]
_BAD: list[Any] = [
    None,
    1,
    "a",
    {},
    {"serverName": "a", "serverUrl": "*"},
    {"serverCommand": []},
    {"serverCommand": "npx"},
    {"serverUrl": 1},
]
_LOCKS = [True, True, False, None, "true", "false", 1]
_ENVIRONMENT = {"A": "a", "B": "${A}", "H": "h.example", "P": "8443"}


def random_case(chance: Random) -> Case:
    """Return one case in the corpus's own form."""
    case: Case = {"id": f"R{chance.getrandbits(32):08x}", "env": dict(_ENVIRONMENT), "verdicts": {}}
    case["managed_settings"] = _settings(chance, managed=True)
    if chance.random() < 0.4:
        names = chance.sample(
            ["10.json", "20.json", "9.json", "B.json", "a.json", "x.JSON", ".h.json"], chance.randint(1, 3)
        )
        case["managed_settings_d"] = {name: _settings(chance, managed=True) for name in names}
    for key in ("user_settings", "project_settings", "local_settings"):
        if chance.random() < 0.3:
            case[key] = _settings(chance, managed=False)
    if chance.random() < 0.12:
        case["managed_mcp"] = {"mcpServers": _servers(chance, 6)}
    case["servers"] = {"user": _servers(chance, 30)}
    for scope, odds in (("local", 0.3), ("project", 0.4), ("parent", 0.2), ("plugin", 0.2), ("cli", 0.2)):
        if chance.random() < odds and not (scope == "cli" and "managed_mcp" in case):
            case["servers"][scope] = _servers(chance, 6)
    if chance.random() < 0.05:
        case["managed_settings"] = chance.choice(["", "{bad", "[]", "null", '{"a": 1,}', "\ufeff{}"])
    return case


def _settings(chance: Random, *, managed: bool) -> dict[str, Any]:
    value: dict[str, Any] = {}
    if chance.random() < (0.6 if managed else 0.4):
        value["allowedMcpServers"] = _entries(chance, 8)
    if chance.random() < 0.5:
        value["deniedMcpServers"] = _entries(chance, 4)
    if chance.random() < 0.3:
        value["allowManagedMcpServersOnly"] = chance.choice(_LOCKS)
    if chance.random() < 0.15:
        value["env"] = {
            "A": chance.choice(["b", 1, True]),
            "H": chance.choice(["h.example", "*", "a.h.example:8443", "h.example/"]),
        }
    if not managed and chance.random() < 0.08:
        value[chance.choice(["model", "language", "fastMode", "permissions", "foo"])] = chance.choice(
            [None, 5, "x", {}]
        )
    if chance.random() < 0.1:
        value["disabledMcpjsonServers"] = chance.choice([["n0", "n1"], "n0", []])
    if chance.random() < 0.04:
        value[chance.choice(["allowedMcpServers", "deniedMcpServers"])] = chance.choice([None, "x", {}, 1])
    if managed and chance.random() < 0.1:
        value["managedMcpServers"] = {"s1": {"type": "http", "url": "https://h.example/provided"}}
    if managed and chance.random() < 0.03:
        value["strictPluginOnlyCustomization"] = chance.choice([True, ["mcp"], ["skills"], "x", None])
    return value


def _entries(chance: Random, most: int) -> list[Any]:
    return [_entry(chance) for _ in range(chance.randint(0, most))]


def _entry(chance: Random) -> Any:  # noqa: ANN401 - invalid entries are anything
    kind = chance.random()
    if kind < 0.05:
        return json.loads(json.dumps(chance.choice(_BAD)))
    if kind < 0.2:
        return {"serverName": chance.choice(_NAMES)}
    if kind < 0.45:
        return {"serverCommand": _command(chance)}
    host, port = chance.choice([*_PATTERN_HOSTS, "${H}", "*.${H}"]), chance.choice([*_PATTERN_PORTS, ":${P}"])
    scheme = chance.choice(_PATTERN_SCHEMES)
    text = f"{scheme}://{host}{port}{chance.choice(_PATTERN_PATHS)}" if scheme else f"{host}{port}/*"
    return {"serverUrl": chance.choice([text] * 30 + ["*", "**", ""])}


def _command(chance: Random) -> list[str]:
    return [chance.choice(["npx", "node", "/opt/${A}"]), *chance.choices(_WORDS, k=chance.randint(0, 2))]


def _servers(chance: Random, most: int) -> dict[str, Any]:
    servers: dict[str, Any] = {}
    for at in range(chance.randint(1, most)):
        name = chance.choice(_NAMES) if chance.random() < 0.3 else f"n{at}"
        servers[name] = _server(chance)
    return servers


def _server(chance: Random) -> dict[str, Any]:
    if chance.random() < 0.4:
        command, *args = _command(chance)
        return {"command": command, "args": args}
    url = (
        f"{chance.choice(_SCHEMES)}://{chance.choice([*_HOSTS, '${H}'])}{chance.choice(_PORTS)}{chance.choice(_PATHS)}"
    )
    return {"type": "ws" if url.startswith("wss") else chance.choice(["http", "http", "sse"]), "url": url}

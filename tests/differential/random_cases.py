"""Random policies and servers for the oracle: seeded, small alphabets, so that entries and servers meet often.

A case is mostly ordinary; a few things in it are odd: a value of a wrong type, a file in another encoding, a folder where a file
should be, a switch that nobody uses. Every oddity is a row of a table, so that a new one is a line.
"""

import copy
import json
from collections.abc import Callable
from random import Random
from typing import Any

from tests.differential.random_urls import pattern, url

Case = dict[str, Any]
_WORDS = [
    "-y",
    "pkg",
    "pkg@1",
    "a",
    "b",
    "${A}",
    "${NOPE}",
    "${NOPE:-a}",
    "$A",
    "*",
    "é",
    "e\u0301",
    "",
    " ",
    "A",
    "${B:-${A}}",
    "${EMPTY:-a}",
]
_PROGRAMS = ["npx", "npx", "node", "/opt/${A}", "NPX", "./npx", "${NOPE:-npx}"]
_NAMES = ["s1", "s2", "s3", "gh", "GH"]
_ODD_NAMES = [
    "my srv",
    "a.b",
    "",
    " s1",
    "é",
    "e\u0301",
    "plugin:plug:s1",
    "workspace",
    "claude-in-chrome",
    "constructor",
    "__lookupGetter__",
    "__proto__",
    "a/b",
    "ide",
]
_WRONG: list[Any] = [None, 1, 0, True, False, "x", "", "true", "false", [], {}, [1], ["x"], [None], {"a": 1}, 1.5]
_BAD_ENTRIES: list[Any] = [
    *(
        None,
        1,
        "a",
        {},
        [],
        True,
        {"serverName": "a", "serverUrl": "*"},
        {"serverCommand": []},
        {"serverCommand": "npx"},
    ),
    *(
        {"serverCommand": [1]},
        {"serverCommand": ["npx", None]},
        {"serverUrl": 1},
        {"serverUrl": None},
        {"serverName": None},
    ),
    *(
        {"serverName": "s1", "serverCommand": None},
        {"servername": "s1"},
        {"name": "s1"},
        {"serverUrl": ["*"]},
        {"serverName": " s1 "},
    ),
]
_SWITCHES: list[Any] = [True, True, False, None, "true", "false", 1, 0, "x", [], {}]
_SERVER_FIELDS = [
    "type",
    "command",
    "args",
    "env",
    "url",
    "headers",
    "headersHelper",
    "cwd",
    "timeout",
    "oauth",
    "disabled",
    "name",
    "alwaysLoad",
]
_TYPES = [
    "stdio",
    "http",
    "sse",
    "ws",
    "streamable-http",
    "sdk",
    "HTTP",
    "",
    "ws-ide",
    "sse-ide",
    "claudeai-proxy",
    "streamableHttp",
]
_ENVIRONMENT = {
    "A": "a",
    "B": "${A}",
    "H": "h.example",
    "P": "8443",
    "EMPTY": "",
    "W": "https://h.example/*",
    "S": "https",
    "D": "..",
}
_ODD_ENVIRONMENT = {
    "A": ["*", "a/b", "a?x=1", "é"],
    "H": ["*", "*.h.example", "h.example:8443", "H.EXAMPLE.", "h.example/", "127.1", "[::1]"],
    "P": ["*", "443", "", "84*"],
    "S": ["*", "HTTP", "http*"],
}
_DROPINS = [
    "10.json",
    "20.json",
    "9.json",
    "B.json",
    "a.json",
    "A.json",
    "Ü.json",
    "\uff5e.json",
    "\U0001f600.json",
    " .json",
    "a b.json",
    "-.json",
    "10.a.json",
]
_NO_DROPINS = ["x.JSON", ".h.json", "x.jsonc", "x.json.bak", "x", ".json", "x.json ", "x.json~"]
_SETTINGS = {"user": "user_settings", "project": "project_settings", "local": "local_settings"}


def random_case(chance: Random) -> Case:
    """Return one case in the corpus's own form."""
    case: Case = {
        "id": f"R{chance.getrandbits(32):08x}",
        "env": dict(_ENVIRONMENT),
        "verdicts": {},
        "servers": {"user": _servers(chance, 40)},
    }
    if chance.random() < 0.9:
        case["managed_settings"] = _settings(chance, managed=True)
    if chance.random() < 0.35:
        names = chance.sample(_DROPINS + _NO_DROPINS, chance.randint(1, 4))
        case["managed_settings_d"] = {name: _settings(chance, managed=True) for name in names}
    for key in _SETTINGS.values():
        if chance.random() < 0.3:
            case[key] = _settings(chance, managed=False)
    if chance.random() < 0.12:
        case["managed_mcp"] = {"mcpServers": _servers(chance, 10)}
    for scope, odds in (("local", 0.3), ("project", 0.4), ("parent", 0.2), ("plugin", 0.25), ("cli", 0.2)):
        if chance.random() < odds and (scope != "cli" or "managed_mcp" not in case or chance.random() < 0.1):
            case["servers"][scope] = _servers(chance, 8)
    for odds, oddity in _ODDITIES:
        if chance.random() < odds:
            oddity(chance, case)
    return case


def _settings(chance: Random, *, managed: bool) -> dict[str, Any]:
    value = {
        key: make(chance)
        for key, of_managed, of_others, make in _MEMBERS
        if chance.random() < (of_managed if managed else of_others)
    }
    if chance.random() < 0.04:
        value[chance.choice([*value, "allowedMcpServers", "deniedMcpServers"])] = chance.choice(_WRONG)
    if chance.random() < 0.04:
        value[chance.choice(_OTHER_KEYS)] = chance.choice(_WRONG)
    return value


_OTHER_KEYS = ["foo", "AllowedMcpServers", "mcpServers", "allowed_mcp_servers", "disableClaudeAiConnectors", "model"]


def _variables(chance: Random) -> dict[str, Any]:
    if chance.random() < 0.3:
        return {"A": chance.choice(["b", 1, True, None, 1.5, 1e21, [], ["x", 1], {}])}
    return {name: chance.choice(values) for name, values in _ODD_ENVIRONMENT.items() if chance.random() < 0.5}


def _provided(chance: Random) -> Any:  # noqa: ANN401 - wrong types are anything
    """`managedMcpServers`: some good entries, some that are dropped."""
    if chance.random() < 0.1:
        return chance.choice([*_WRONG, [{"name": "s1", "type": "http", "url": "https://h.example/p"}]])
    entries: dict[str, Any] = {}
    for _ in range(chance.randint(1, 3)):
        entry: Any = {
            "type": chance.choice(["http", "http", "sse", "streamable-http"]),
            "url": f"https://h.example/{chance.choice(['provided', 'mcp', 'mcp?x=1'])}",
        }
        if chance.random() < 0.3:
            entry |= chance.choice(_PROVIDED_EXTRAS)
        entries[chance.choice([*_NAMES, "n0", "prov", "prov", *_ODD_NAMES[:6]])] = chance.choice(
            [entry] * 12 + [None, 1, "x", []]
        )
    return entries


def _one_of(*values: Any) -> Callable[[Random], Any]:  # noqa: ANN401 - any JSON
    return lambda chance: copy.deepcopy(chance.choice(values))


_REJECTED = _one_of(["n0", "n1"], ["n0", 1], ["n0", None], "n0", [], None, {}, ["s1"])
_PLUGIN_ONLY = _one_of(True, False, ["mcp"], ["skills"], ["mcp", 1], "mcp", "true", "false", "x", None, {}, 1)
_MEMBERS: tuple[tuple[str, float, float, Callable[[Random], Any]], ...] = (
    # the key, how often managed settings and those of users and projects have it, what it may be
    ("allowedMcpServers", 0.6, 0.4, lambda chance: _entries(chance, 8)),
    ("deniedMcpServers", 0.5, 0.5, lambda chance: _entries(chance, 4)),
    ("allowManagedMcpServersOnly", 0.25, 0.25, _one_of(*_SWITCHES)),
    ("env", 0.16, 0.16, _variables),
    ("disabledMcpjsonServers", 0.05, 0.05, _REJECTED),
    ("enabledMcpjsonServers", 0.05, 0.05, _REJECTED),
    ("enableAllProjectMcpServers", 0.04, 0.04, _one_of(*_SWITCHES)),
    ("managedMcpServers", 0.12, 0.02, _provided),
    ("strictPluginOnlyCustomization", 0.03, 0.03, _PLUGIN_ONLY),
    ("disableSideloadFlags", 0.02, 0.02, _one_of(*_SWITCHES)),
)
_PROVIDED_EXTRAS: list[dict[str, Any]] = [
    *(
        {"type": "ws"},
        {"type": "stdio", "command": "npx"},
        {"type": None},
        {"command": "npx"},
        {"args": []},
        {"env": {}},
        {"headersHelper": "x"},
    ),
    *(
        {"url": "http://h.example/mcp"},
        {"url": "HTTPS://h.example/mcp"},
        {"url": "https://${H}/mcp"},
        {"url": "https://$H/mcp"},
        {"url": None},
    ),
    *(
        {"headers": {"X": "${A}"}},
        {"headers": {"X": "a"}},
        {"headers": {"X": 1}},
        {"headers": None},
        {"url": "https://h.example/\u200bmcp"},
    ),
    *(
        {"url": " https://h.example/mcp"},
        {"url": "https:///"},
        {"url": "https://"},
        {"url": "https:h.example"},
        {"foo": "\u0001"},
        {"url": "https://u:p@h.example/mcp"},
    ),
    *(
        {"timeout": "x"},
        {"oauth": {}},
        {"headers": {"${A}": "x"}},
        {"url": "https://h.example/${}"},
        {"url": "https://h.example/${A"},
    ),
]


def _entries(chance: Random, most: int) -> list[Any]:
    return [_entry(chance) for _ in range(chance.randint(0, most))]


def _entry(chance: Random) -> Any:  # noqa: ANN401 - invalid entries are anything
    kind = chance.random()
    if kind < 0.04:
        return copy.deepcopy(chance.choice(_BAD_ENTRIES))
    if kind < 0.18:
        entry: dict[str, Any] = {"serverName": _name(chance)}
    elif kind < 0.45:
        entry = {"serverCommand": _command(chance)}
    else:
        entry = {"serverUrl": pattern(chance)}
    if chance.random() < 0.03:
        entry[chance.choice(["note", "serverName", "serverUrl", "__proto__"])] = chance.choice([None, "x", 1])
    return entry


def _name(chance: Random) -> str:
    return chance.choice(_ODD_NAMES if chance.random() < 0.2 else _NAMES)


def _command(chance: Random) -> list[str]:
    return [chance.choice(_PROGRAMS), *chance.choices(_WORDS, k=chance.choice([0, 1, 1, 2, 2, 3]))]


def _servers(chance: Random, most: int) -> dict[str, Any]:
    return {
        (_name(chance) if chance.random() < 0.25 else f"n{at}"): _server(chance)
        for at in range(chance.randint(1, most))
    }


def _server(chance: Random) -> Any:  # noqa: ANN401 - wrong types are anything
    entry: dict[str, Any]
    if chance.random() < 0.4:
        command, *args = _command(chance)
        entry = {"command": command, "args": args} if args or chance.random() < 0.5 else {"command": command}
    else:
        text = url(chance)
        entry = {"type": "ws" if text.startswith("ws") else chance.choice(["http", "http", "sse"]), "url": text}
    if chance.random() < 0.02:
        return chance.choice(_WRONG)
    if chance.random() < 0.04:
        entry["type"] = chance.choice(_TYPES)
    if chance.random() < 0.04:
        entry |= chance.choice([{"url": url(chance)}, {"command": "npx", "args": ["a"]}])
    if chance.random() < 0.04:
        entry[chance.choice(_SERVER_FIELDS)] = chance.choice(_WRONG)
    if chance.random() < 0.04:
        entry[chance.choice(["env", "headers"])] = chance.choice(
            [{"A": "b"}, {"X": "${A}"}, {"X": "${NOPE}"}, {"X": 1}]
        )
    return entry


def _raw_file(chance: Random, case: Case) -> None:
    """Write one of the files as text that is not plain JSON."""
    keys = [key for key in ("managed_settings", "managed_mcp", *_SETTINGS.values()) if key in case] or [
        "managed_settings"
    ]
    key = chance.choice(keys)
    case[key] = _text(chance, case.get(key, {}))


def _raw_dropin(chance: Random, case: Case) -> None:
    dropins = case.setdefault("managed_settings_d", {"10.json": {}})
    name = chance.choice(list(dropins))
    dropins[name] = _text(chance, dropins[name])


def _raw_project(chance: Random, case: Case) -> None:
    scope = chance.choice(["project", "parent"])
    case["servers"][scope] = _text(chance, {"mcpServers": _servers(chance, 4)})


def _raw_state(chance: Random, case: Case) -> None:
    state = {"mcpServers": case["servers"].pop("user"), "projects": {}}
    case["files"] = {**case.get("files", {}), "home/.claude.json": _text(chance, state)}


def _text(chance: Random, value: object) -> str:
    """Return a document in an odd dress: some are read all the same, some are not."""
    text = json.dumps(value)
    doubled = (
        '{"deniedMcpServers": [{"serverName": "s1"}], ' + text.lstrip("{")
        if text.startswith("{") and len(text) > 2
        else text
    )
    return chance.choice(
        [
            *(
                "",
                " \n\t",
                "{}",
                "[]",
                "null",
                "1",
                '"x"',
                "{bad",
                text[:-1],
                text + "\x00",
                text + " x",
                "// c\n" + text,
            ),
            *(
                "\ufeff" + text,
                "\ufeff\ufeff" + text,
                " \ufeff" + text,
                "\ufeff",
                text.replace("}", ",}", 1),
                "/* c */" + text,
                doubled,
            ),
            *(
                _bytes(b"\xff\xfe" + text.encode("utf-16-le")),
                _bytes(b"\xfe\xff" + text.encode("utf-16-be")),
                _bytes(text.encode("utf-16-le")),
            ),
            *(
                _bytes(b"\xff\xfe"),
                _bytes(text.encode().replace(b"n0", b"n\xff", 1)),
                text + "\n\n",
                "\u00a0" + text,
                "\x0b" + text,
                text.replace('"', "'"),
            ),
            *(
                text[:-1] + ', "x": NaN}',
                text[:-1] + ', "x": 01}',
                text[:-1] + ', "x": "\t"}',
                text[:-1] + ', "x": "\\ud800"}',
                text[:-1] + ', "x": 1e999}',
            ),
            *(text[:-1] + ', "x": ' + "[" * 300 + "]" * 300 + "}", text[:-1] + ', "__proto__": {"a": 1}}', text * 2),
        ]
    )


def _bytes(raw: bytes) -> str:
    """Return bytes as the text that stands for them in a case."""
    return raw.decode("utf-8", errors="surrogateescape")


def _state(chance: Random, case: Case) -> None:
    names = [["n0", "s1"], ["n0", "n1", "n2", "gh", "plugin:plug:n0"], ["n0", 1, None], "n0", None, {}, 1]
    keys = ["disabledMcpServers", "enabledMcpServers", "disabledMcpjsonServers", "enabledMcpjsonServers"]
    case["project_state"] = {key: chance.choice(names) for key in keys if chance.random() < 0.5}
    if chance.random() < 0.3:
        case["project_state"]["hasTrustDialogAccepted"] = chance.choice([True, False, None])


def _flags(chance: Random, case: Case) -> None:
    case["args"] = list(chance.choice(_FLAGS))
    if case["args"] == ["--settings"]:
        case["args"].append(json.dumps(_settings(chance, managed=False)))
    if case["args"] == ["--mcp-config"]:
        case["args"] += [json.dumps({"mcpServers": _servers(chance, 3)}) for _ in range(chance.randint(1, 2))]


_FLAGS = [
    *(
        ["--strict-mcp-config"],
        ["--settings"],
        ["--settings"],
        ["--settings"],
        ["--mcp-config"],
        ["--mcp-config"],
        ["--bare"],
    ),
    *(
        ["--setting-sources", "user"],
        ["--setting-sources", "project,local"],
        ["--setting-sources", "user, project"],
        ["--setting-sources", ""],
    ),
    *(
        ["--setting-sources=local"],
        ["--settings", "{}"],
        ["--settings", "{bad"],
        ["--settings", "[]"],
        ["--settings", "/nonexistent.json"],
    ),
    *(
        ["--safe-mode"],
        ["--restricted"],
        ["--mcp-config", "{}"],
        ["--mcp-config", '{"mcpServers": {}}'],
        ["--mcp-config", "/nonexistent.json"],
    ),
]


def _in_process(chance: Random, case: Case) -> None:
    case["servers"]["cli"] = {
        "sd": {"type": "sdk", "name": chance.choice(["sd", "s1"])},
        **case["servers"].get("cli", {}),
    }


def _other_reader(chance: Random, case: Case) -> None:
    """Have another user run the client, who may not read everything."""
    case["uid"] = 1000
    case["setup"] = chance.choice(
        [
            *(
                "chmod 600 etc/managed-settings.json",
                "chmod 700 etc",
                "chmod 700 etc/managed-settings.d",
                "chmod 711 etc",
                "true",
            ),
            *(
                "chmod 600 etc/managed-settings.d/10.json",
                "chmod 600 etc/managed-mcp.json",
                "chmod 744 etc/managed-settings.d",
                "chmod 744 etc",
            ),
            *(
                "chown 1000:1000 etc/managed-settings.json",
                "chmod 000 etc/managed-settings.json",
                "chmod 666 etc/managed-settings.json",
            ),
        ]
    )
    if "10.json" in case["setup"]:
        case.setdefault("managed_settings_d", {})["10.json"] = _settings(chance, managed=True)
    if "settings.d" in case["setup"]:
        case.setdefault("managed_settings_d", {"10.json": _settings(chance, managed=True)})
    if "mcp.json" in case["setup"]:
        case["managed_mcp"] = {"mcpServers": _servers(chance, 5)}
    if "settings.json" in case["setup"]:
        case.setdefault("managed_settings", _settings(chance, managed=True))


def _odd_place(chance: Random, case: Case) -> None:
    """Put something else where a file should be."""
    place, key = chance.choice(
        [
            ("managed-settings.json", "managed_settings"),
            ("managed-mcp.json", "managed_mcp"),
            ("managed-settings.d", "managed_settings_d"),
            ("managed-settings.d/50.json", None),
        ]
    )
    if key is not None:
        case.pop(key, None)
    real = (
        json.dumps(_settings(chance, managed=True))
        if "settings" in place
        else json.dumps({"mcpServers": _servers(chance, 3)})
    )
    how = chance.choice(["folder", "dangling", "link", "null", "self"])
    case["setup"] = {
        "folder": f"mkdir -p etc/{place}",
        "dangling": f"ln -s /nonexistent/x etc/{place}",
        "link": f"ln -s /home/elsewhere.json etc/{place}",
        "null": f"ln -s /dev/null etc/{place}",
        "self": f"ln -s {place.rpartition('/')[2]} etc/{place}",
    }[how]
    case["files"] = {"elsewhere.json": real}


_Oddity = Callable[[Random, Case], None]
_ODDITIES: tuple[tuple[float, _Oddity], ...] = (
    (0.05, _raw_file),
    (0.03, _raw_dropin),
    (0.04, _raw_project),
    (0.02, _raw_state),
    (0.06, _state),
    (0.08, _flags),
    (0.03, _in_process),
    (0.04, _other_reader),
    (0.03, _odd_place),
)

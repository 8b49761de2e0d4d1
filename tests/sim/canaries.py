"""Secrets to plant: every shape with a value of its own, so that one that shows tells by which door it came out.

A value is either strong (it looks like a credential wherever it stands) or weak (plain words: only what stands around it tells).
"""

import base64
import json
import random
import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

_WORDS = ("walnut", "harbour", "violin", "meadow", "lantern", "copper", "saddle", "orchid", "ribbon", "thistle")

_BEGINNING, _CHUNK = 8, 1 << 20  # bytes


@dataclass
class Canaries:
    """Makes values and remembers them with what they were planted as."""

    planted: dict[str, str] = field(default_factory=dict)
    _random: random.Random = field(default_factory=lambda: random.Random(20260101))
    _index: tuple[int, dict[bytes, list[tuple[bytes, str]]]] | None = None

    def strong(self, where: str) -> str:
        letters = "".join(self._random.choices(string.ascii_letters + string.digits, k=21))
        return self._kept(f"K7{letters}q9Z", where)

    def weak(self, where: str) -> str:
        return self._kept("-".join([*self._random.sample(_WORDS, 4), "canary"]), where)

    def token(self, where: str) -> str:
        return "ghp_" + self.strong(where) + "AbCdEfGh12"

    def _kept(self, value: str, where: str) -> str:
        self.planted[value] = where
        return value

    def found_in(self, *outputs: bytes | str) -> dict[str, str]:
        """Return the values that show in any of `outputs`, with what they were planted as."""
        forms, found = self._indexed(), set[str]()
        for text in outputs:
            raw = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
            for start in range(0, len(raw), _CHUNK):
                beginnings = {raw[at : at + _BEGINNING] for at in range(start, min(start + _CHUNK, len(raw)))}
                for beginning in beginnings & forms.keys():
                    found.update(value for form, value in forms[beginning] if form in raw)
        return {value: where for value, where in self.planted.items() if value in found}

    def _indexed(self) -> Mapping[bytes, list[tuple[bytes, str]]]:
        """Return every form of every value by its beginning: outputs of many megabytes are gone through once."""
        if self._index is None or self._index[0] != len(self.planted):
            forms: dict[bytes, list[tuple[bytes, str]]] = {}
            for value in self.planted:
                for form in _forms(value):
                    assert len(form) >= _BEGINNING
                    forms.setdefault(form[:_BEGINNING], []).append((form, value))
            self._index = (len(self.planted), forms)
        return self._index[1]


def _forms(value: str) -> set[bytes]:
    """Return how a value may be written: as it is, in UTF-16, and within Base64 at any of the three offsets."""
    raw = value.encode()
    encoded = {base64.b64encode(b"\0" * shift + raw)[4:-4] for shift in range(3)}
    return {raw, value.encode("utf-16-le"), raw[::-1], *encoded}


Shape = Callable[[str], list[str]]
"""A value to the words of a command line that hold it."""


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


URLS: Mapping[str, Callable[[str], str]] = {
    "login": lambda v: f"https://user:{v}@host.example/mcp",
    "login without a name": lambda v: f"https://:{v}@host.example/mcp",
    "login without a password": lambda v: f"https://{v}@host.example/mcp",
    "two at signs": lambda v: f"https://user@corp.example:{v}@host.example/mcp",
    "three at signs": lambda v: f"https://a@b@{v}@host.example/mcp",
    "at sign in the password": lambda v: f"https://user:p@{v}@host.example/mcp",
    "slash in the password": lambda v: f"https://user:p/{v}@host.example/mcp",
    "question mark in the password": lambda v: f"https://user:p?{v}@host.example/mcp",
    "hash in the password": lambda v: f"https://user:p#{v}@host.example/mcp",
    "backslash": lambda v: f"https://user:p\\{v}@host.example/mcp",
    "percent-encoded login": lambda v: f"https://user%3A{v}%40x@host.example/mcp",
    "upper case": lambda v: f"HTTPS://USER:{v}@HOST.EXAMPLE/mcp",
    "no scheme": lambda v: f"//user:{v}@host.example/mcp",
    "websocket": lambda v: f"wss://user:{v}@host.example/mcp",
    "query": lambda v: f"https://host.example/mcp?api_key={v}",
    "second of a query": lambda v: f"https://host.example/mcp?a=1&b={v}&c=2",
    "query with semicolons": lambda v: f"https://host.example/mcp?a=1;token={v}",
    "query with two equal signs": lambda v: f"https://host.example/mcp?a=b={v}",
    "query in a query": lambda v: f"https://host.example/mcp?next={quote(f'https://x.example/?token={v}', safe='')}",
    "URL in a query": lambda v: f"https://host.example/mcp?next=https://u:{v}@inner.example/",
    "fragment": lambda v: f"https://host.example/mcp#access_token={v}",
    "fragment alone": lambda v: f"https://host.example/#{v}",
    "port and query": lambda v: f"https://host.example:8443?key={v}",
    "two question marks": lambda v: f"https://host.example/a?b?token={v}",
}
"""URLs that hold a value where any value is a secret."""

STRONG_URLS: Mapping[str, Callable[[str], str]] = {
    "path": lambda v: f"https://host.example/s/{v}/sse",
    "last segment": lambda v: f"https://host.example/{v}",
    "matrix parameter": lambda v: f"https://host.example/mcp;token={v}/x",
    "host": lambda v: f"https://{v}.host.example/mcp",
    "no scheme and path": lambda v: f"host.example/{v}/sse",
    "query without a name": lambda v: f"https://host.example/mcp?{v}",
}

COMMANDS: Mapping[str, Shape] = {
    "option": lambda v: ["srv", "--token", v],
    "option in capitals": lambda v: ["srv", "--API_KEY", v],
    "option with equal sign": lambda v: ["srv", f"--api-key={v}"],
    "camel case": lambda v: ["srv", "--apiKey", v],
    "camel case with equal sign": lambda v: ["srv", f"--accessToken={v}"],
    "camel case, longer": lambda v: ["srv", f"--githubToken={v}"],
    "one dash": lambda v: ["srv", "-password", v],
    "option of Windows": lambda v: ["srv", f"/token:{v}"],
    "two equal signs": lambda v: ["srv", f"--token=={v}"],
    "assignment in an option": lambda v: ["srv", f"--set=API_TOKEN={v}"],
    "assignment after an option": lambda v: ["srv", "--set", f"auth.token={v}"],
    "docker -e": lambda v: ["docker", "run", "-i", "-e", f"KEY={v}", "image"],
    "docker -e in lower case": lambda v: ["docker", "run", "-i", "-e", f"key={v}", "image"],
    "docker -e in one word": lambda v: ["docker", "run", "-i", f"-eKEY={v}", "image"],
    "docker --env": lambda v: ["docker", "run", "--env", f"lower={v}", "image"],
    "docker --env=": lambda v: ["docker", "run", f"--env=KEY={v}", "image"],
    "docker --env= in lower case": lambda v: ["docker", "run", f"--env=key={v}", "image"],
    "header": lambda v: ["npx", "mcp-remote", "https://host.example", "--header", f"Authorization: Bearer {v}"],
    "header without a space": lambda v: ["npx", "mcp-remote", "https://host.example", "--header", f"X-Any:{v}"],
    "header with equal sign": lambda v: ["npx", "mcp-remote", f"--header=X-Api-Key: {v}"],
    "header in one word": lambda v: ["curl", f"-HX-Any: {v}"],
    "header -H": lambda v: ["curl", "-H", f"x-api-key: {v}"],
    "cookie": lambda v: ["curl", "-H", f"Cookie: a=1; session={v}; b=2"],
    "curl -u": lambda v: ["curl", "-u", f"user:{v}", "https://host.example"],
    "curl --user": lambda v: ["curl", f"--user=user:{v}", "https://host.example"],
    "shell assignment": lambda v: ["sh", "-c", f"TOKEN={v} npx pkg"],
    "shell export": lambda v: ["bash", "-lc", f'export A_SECRET="{v}"; npx pkg'],
    "shell option": lambda v: ["sh", "-c", f"npx pkg --password {v} --port 1"],
    "shell header": lambda v: ["sh", "-c", f"curl -H 'Authorization: Bearer {v}' https://host.example"],
    "shell quoted": lambda v: ["sh", "-c", f"npx pkg --token='{v}'"],
    "env": lambda v: ["env", f"TOKEN={v}", "npx", "pkg"],
    "cmd": lambda v: ["cmd", "/c", f"set TOKEN={v}&& npx pkg"],
    "PowerShell": lambda v: ["powershell", "-Command", f"$env:TOKEN='{v}'; npx pkg"],
    "JSON": lambda v: ["srv", json.dumps({"token": v})],
    "JSON in an option": lambda v: ["srv", "--config", json.dumps({"a": {"apiKey": v}})],
    "JSON with spaces": lambda v: ["srv", json.dumps({"password": v, "x": 1}, indent=1)],
    "JSON escaped": lambda v: ["srv", json.dumps(json.dumps({"token": v}))],
    "YAML": lambda v: ["srv", f"token: {v}"],
    "colon": lambda v: ["srv", f"password:{v}"],
    "words": lambda v: ["srv", f"password={v}"],
    "Basic": lambda v: ["srv", "--auth", f"Basic {_b64('user:' + v)}"],
    "Base64 of a login": lambda v: ["srv", _b64(f"user:{v}")],
    "Base64 of JSON": lambda v: ["srv", "--config", _b64(json.dumps({"token": v}))],
    "data URL": lambda v: ["srv", f"data:text/plain;base64,{_b64('password=' + v)}"],
    "connection string": lambda v: ["srv", f"Server=db;User Id=sa;Password={v};"],
    "connection string of Azure": lambda v: ["srv", f"DefaultEndpointsProtocol=https;AccountName=x;AccountKey={v}=="],
    "postgres": lambda v: ["srv", f"postgres://app:{v}@db.example:5432/app"],
    "redis": lambda v: ["srv", f"redis://:{v}@db.example:6379/0"],
    "mongodb": lambda v: ["srv", f"mongodb+srv://app:{v}@db.example/x?w=1"],
    "jdbc": lambda v: ["srv", f"jdbc:postgresql://db.example/x?user=a&password={v}"],
    "git": lambda v: ["uvx", "--from", f"git+https://{v}@git.example/x/y@v1", "srv"],
    **{f"URL, {name}": lambda v, url=url: ["npx", "mcp-remote", url(v)] for name, url in URLS.items()},  # type: ignore[misc]
    **{f"option with URL, {name}": lambda v, url=url: ["srv", f"--url={url(v)}"] for name, url in URLS.items()},  # type: ignore[misc]
}
"""Command lines that hold a value where any value is a secret."""

STRONG_COMMANDS: Mapping[str, Shape] = {
    "word": lambda v: ["srv", v],
    "short option": lambda v: ["srv", "-t", v],
    "short option in one word": lambda v: ["srv", f"-t{v}"],
    "option of any name": lambda v: ["srv", f"--whatever={v}"],
    "split by equal signs": lambda v: ["srv", f"a=b={v}"],
    "among commas": lambda v: ["srv", f"--list=one,{v},two"],
    "in brackets": lambda v: ["srv", f"[{v}]"],
    "in quotes": lambda v: ["srv", f"'{v}'"],
    "in a path": lambda v: ["srv", f"/run/{v}/socket"],
    "in a package": lambda v: ["npx", f"@scope/{v}"],
    "program": lambda v: [f"/opt/{v}/srv"],
    "in a sentence": lambda v: ["srv", f"say {v} to nobody"],
    "after a line break": lambda v: ["srv", f"one\n{v}\nthree"],
    **{f"URL, {name}": lambda v, url=url: ["npx", "mcp-remote", url(v)] for name, url in STRONG_URLS.items()},  # type: ignore[misc]
}


def commands(canaries: Canaries, of: str) -> Iterable[list[str]]:
    """Yield every command line with a value of its own, the telling ones with a weak and with a strong one."""
    for name, shape in COMMANDS.items():
        yield shape(canaries.strong(f"{of}: {name}"))
        yield shape(canaries.weak(f"{of}: {name}, weak"))
    for name, shape in STRONG_COMMANDS.items():
        yield shape(canaries.strong(f"{of}: {name}"))


def entries(canaries: Canaries, of: str) -> dict[str, Any]:
    """Return the entries of one configuration: every command, every URL, variables and headers of every kind."""
    lines = list(commands(canaries, of))
    found: dict[str, Any] = {
        f"command-{number}": {"command": line[0], "args": line[1:]} for number, line in enumerate(lines)
    }
    for number, (name, url) in enumerate([*URLS.items(), *STRONG_URLS.items()]):
        found[f"url-{number}"] = {"type": "http", "url": url(canaries.strong(f"{of}: url, {name}"))}
        if name in URLS:
            found[f"weak-url-{number}"] = {"type": "http", "url": url(canaries.weak(f"{of}: url, {name}, weak"))}
    found["env"] = {
        "command": "srv",
        "env": {
            "API_TOKEN": canaries.strong(f"{of}: env"),
            "ANY": canaries.weak(f"{of}: env of any name"),
            "URL": URLS["login"](canaries.weak(f"{of}: env with a URL")),
            "B64": _b64(canaries.weak(f"{of}: env in Base64")),
            "NODE_OPTIONS": f"--require=/x/{canaries.weak(f'{of}: env that changes what runs')}",
        },
    }
    found["headers"] = {
        "type": "http",
        "url": "https://host.example/",
        "headers": {
            "Authorization": f"Bearer {canaries.weak(f'{of}: header')}",
            "X-Any": canaries.weak(f"{of}: header of any name"),
        },
    }
    return found

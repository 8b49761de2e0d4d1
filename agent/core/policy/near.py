"""Near misses: entries that nearly match a server, and in what they differ, so that nobody has to compare by eye.

Only entries that could have been meant count: words that differ must resemble each other, a URL must share its host or nearly so.
Whatever is shown goes through the caller's redaction first, as whole commands, so that positions stay what they are.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from agent.core.commandline import base_name
from agent.core.policy.evaluate import Judge
from agent.core.policy.expansion import Open, Text, expand
from agent.core.policy.rules import ALLOW, DENY, CommandRule, NameRule, Rule, UrlRule
from agent.core.policy.urls import Address, Form, compile_pattern
from agent.core.server import Server

Redact = Callable[[Sequence[str]], Sequence[str]]
_ALIKE = 0.6
_MOST = 3


@dataclass(frozen=True, slots=True)
class Difference:
    """One part in which an entry and a server differ; None where that side has no such part."""

    part: str
    entry: str | None
    server: str | None

    @property
    def text(self) -> str:
        """The difference in words."""
        if self.entry is None:
            return f"{self.part}: the server has `{self.server}`, the entry nothing"
        if self.server is None:
            return f"{self.part}: the entry has `{self.entry}`, the server nothing"
        return f"{self.part}: `{self.entry}` / `{self.server}`"


@dataclass(frozen=True, slots=True)
class NearMiss:
    """An entry that nearly matches: which list, its number in its file (from 1), the entry redacted, where it stands."""

    key: str
    number: int
    entry: str
    source: str
    differences: tuple[Difference, ...]

    @property
    def text(self) -> str:
        """The near miss in one sentence."""
        parts = "; ".join(difference.text for difference in self.differences)
        return f"entry {self.number} of {self.key} differs in {parts} ({self.source})"


def near_misses(judge: Judge, server: Server, redact: Redact) -> tuple[NearMiss, ...]:
    """Return the entries of both lists that nearly match `server`, the nearest first, at most three of each list."""
    allow = _nearest(judge, server, judge.policy.allow or (), redact, ALLOW)
    return (*allow, *_nearest(judge, server, judge.policy.deny, redact, DENY))


def shown_entry(rule: Rule, redact: Redact) -> str:
    """Return an entry as JSON with its command or URL redacted."""
    if isinstance(rule, CommandRule):
        return replace(rule, command=tuple(redact(rule.command))).text
    return replace(rule, url=redact([rule.url])[0]).text if isinstance(rule, UrlRule) else rule.text


def _nearest(judge: Judge, server: Server, rules: Iterable[Rule], redact: Redact, key: str) -> tuple[NearMiss, ...]:
    found: list[tuple[int, int, NearMiss]] = []
    for at, rule in enumerate(rules):
        differences = _differences(judge, server, rule, redact, allow=key == ALLOW)
        if differences:
            place = rule.entry.place
            number = int(last) + 1 if (last := place.pointer.rpartition("/")[2]).isdigit() else at + 1
            near = NearMiss(key, number, shown_entry(rule, redact), str(place), differences)
            found.append((len(differences), at, near))
    return tuple(near for _, _, near in sorted(found, key=lambda item: item[:2])[:_MOST])


def _differences(judge: Judge, server: Server, rule: Rule, redact: Redact, *, allow: bool) -> tuple[Difference, ...]:
    if isinstance(rule, NameRule):
        alike = rule.name != server.name and rule.name.casefold() == server.name.casefold()
        return (Difference("the name", rule.name, server.name),) if alike else ()
    side = judge.allow_side if allow else judge.deny_side
    endpoint = judge.endpoint(server)
    if isinstance(rule, CommandRule) and endpoint.command is not None and server.command is not None:
        entry = [part if side is None else expand(part, side) for part in rule.command]
        edits = _edits(_words(entry, rule.command), _words(endpoint.command, server.command))
        return _worded(edits, redact(rule.command), redact(server.command)) if edits else ()
    if isinstance(rule, UrlRule) and endpoint.address is not None:
        text = rule.url if side is None else expand(rule.url, side)
        return _url_differences(text, endpoint.address, redact) if isinstance(text, str) else ()
    return ()


def _words(expanded: Sequence[Text], written: Sequence[str]) -> list[str]:
    return [raw if isinstance(part, Open) else part for part, raw in zip(expanded, written, strict=True)]


_Edit = tuple[int | None, int | None]


def _edits(entry: list[str], server: list[str]) -> list[_Edit]:
    """Return the positions that differ, or nothing where the two are equal or have too little in common."""
    matcher = SequenceMatcher(a=entry, b=server, autojunk=False)
    edits: list[_Edit] = []
    for kind, a1, a2, b1, b2 in matcher.get_opcodes():
        if kind == "equal":
            continue
        width = min(a2 - a1, b2 - b1)
        edits += [(a1 + at, b1 + at) for at in range(width)]
        edits += [(at, None) for at in range(a1 + width, a2)]
        edits += [(None, at) for at in range(b1 + width, b2)]
    alike = all(a is None or b is None or _resemble(entry[a], server[b]) for a, b in edits)
    shared = len(entry) + len(server) - sum((a is not None) + (b is not None) for a, b in edits)
    resembling = sum(2 for a, b in edits if a is not None and b is not None)
    enough = shared + resembling > (len(entry) + len(server)) // 2
    return edits if edits and alike and enough else []


def _resemble(one: str, other: str) -> bool:
    left, right = one.casefold(), other.casefold()
    if left == right or base_name(left) == base_name(right):
        return True
    if left and right and (left.startswith(right) or right.startswith(left)):
        return True
    matcher = SequenceMatcher(a=left, b=right, autojunk=False)
    return matcher.real_quick_ratio() >= _ALIKE and matcher.quick_ratio() >= _ALIKE and matcher.ratio() >= _ALIKE


def _worded(edits: Iterable[_Edit], entry: Sequence[str], server: Sequence[str]) -> tuple[Difference, ...]:
    worded = []
    for a, b in edits:
        at = b if b is not None else a
        part = "the command" if at == 0 else f"argument {at}"
        worded.append(Difference(part, None if a is None else entry[a], None if b is None else server[b]))
    return tuple(worded)


def _url_differences(text: str, address: Address, redact: Redact) -> tuple[Difference, ...]:
    pattern = compile_pattern(text)
    shown = redact([text])[0]
    if pattern.form is Form.NEVER:
        meant = compile_pattern(f"*://{text}")
        return (Difference("the scheme", shown, address.scheme),) if meant.matches(address, lenient=True) else ()
    if pattern.form is not Form.PARTS:
        return ()
    found: list[Difference] = []
    host = "*".join(pattern.host.pieces)
    if pattern.scheme not in (None, address.scheme):
        found.append(Difference("the scheme", pattern.scheme, address.scheme))
    if not pattern.host.matches(address.bare_host):
        if not _resemble(host.removeprefix("*."), address.bare_host) and not address.bare_host.endswith("." + host):
            return ()
        found.append(Difference("the host", host, address.bare_host))
    if pattern.port not in (None, address.port):
        found.append(Difference("the port", pattern.port or "default", address.port or "default"))
    whole = address.path + address.query
    if pattern.path is not None and not pattern.path.matches(whole):
        path = redact([f"x://x{whole}"])[0].removeprefix("x://x")
        found.append(Difference("the path", "*".join(pattern.path.pieces), path))
    return tuple(found)

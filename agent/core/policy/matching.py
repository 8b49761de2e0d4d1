"""One list of rules, indexed and compiled against an environment: does any of them match this server, and which?

Names and commands are looked up; URL patterns are grouped by host, so that a server meets the few that can concern it. A rule or
a server with a variable that nobody stated may give `Unknown`; then every rule of that kind is tried.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from agent.core.policy.bridges import carried
from agent.core.policy.expansion import (
    Environment,
    Open,
    Ternary,
    Text,
    Unknown,
    expand,
    same_command,
)
from agent.core.policy.open_urls import honours, open_rule, open_server
from agent.core.policy.rules import CommandRule, NameRule, Rule, UrlRule
from agent.core.policy.urls import Address, Form, UrlPattern, compile_pattern, parse_url

_Groups = dict[str, dict[str | None, list[int]]]  # host or suffix → first segment of the path → positions


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What rules are compared with: a server's name, and its command or its URL after expansion."""

    name: str
    command: tuple[Text, ...] | None = None
    url: Text | None = None

    def expanded(self, environment: Environment) -> "Endpoint":
        """Return this with every known reference replaced; what hangs on unknown variables stays as it is."""

        def once(text: Text) -> Text:
            return expand(text, environment) if isinstance(text, str) else text

        command = None if self.command is None else tuple(once(part) for part in self.command)
        return Endpoint(self.name, command, None if self.url is None else once(self.url))

    @property
    def address(self) -> Address | None:
        """The parsed URL, None where it cannot be parsed or is not known whole."""
        return parse_url(self.url) if isinstance(self.url, str) else None


@dataclass(frozen=True, slots=True)
class Match:
    """Whether a list matches, and the rule that does, or that may (`Unknown`)."""

    answer: Ternary
    rule: Rule | None = None


NO_MATCH = Match(answer=False)


class RuleIndex:
    """The rules of one side, ready to be asked. `lenient` is how deny entries match URLs."""

    __slots__ = ("_by_host", "_by_suffix", "_commands", "_names", "_open_commands", "_open_urls", "_urls", "lenient")

    def __init__(self, rules: Iterable[Rule], environment: Environment | None, *, lenient: bool) -> None:
        """Compile `rules`; with no environment, references in rules are plain text (as before 2.1.166)."""
        self.lenient = lenient
        self._names: dict[str, NameRule] = {}
        self._commands: dict[tuple[Text, ...], CommandRule] = {}
        self._open_commands: list[tuple[tuple[Text, ...], CommandRule]] = []
        self._urls: list[tuple[UrlPattern, UrlRule]] = []
        self._open_urls: list[tuple[Open, UrlRule]] = []
        self._by_host: _Groups = {}
        self._by_suffix: _Groups = {}
        for rule in rules:
            if isinstance(rule, NameRule):
                self._names.setdefault(rule.name, rule)
            elif isinstance(rule, CommandRule):
                self._add_command(rule, environment)
            else:
                self._add_url(rule, environment)

    @property
    def has_commands(self) -> bool:
        """True where the list holds a valid serverCommand entry: then names do not count for local servers."""
        return bool(self._commands or self._open_commands)

    @property
    def has_urls(self) -> bool:
        """True where the list holds a valid serverUrl entry: then names do not count for remote servers."""
        return bool(self._urls or self._open_urls)

    def name(self, name: str) -> Match:
        """Match by name alone."""
        rule = self._names.get(name)
        return Match(answer=True, rule=rule) if rule else NO_MATCH

    def command(self, command: tuple[Text, ...]) -> Match:
        """Match by command and arguments."""
        rule = self._commands.get(command)
        if rule is not None:
            return Match(answer=True, rule=rule)
        if not self._open_commands and all(isinstance(part, str) for part in command):
            return NO_MATCH
        certain: Iterable[tuple[tuple[Text, ...], CommandRule]] = ()
        if any(isinstance(part, Open) for part in command):
            certain = self._commands.items()
        return _best((same_command(known, command), rule) for known, rule in chain(certain, self._open_commands))

    def url(self, endpoint: Endpoint) -> Match:
        """Match by URL."""
        if isinstance(endpoint.url, Open):
            found = _best((open_server(pattern, endpoint.url), rule) for pattern, rule in self._urls)
            if found.answer is True or not self._open_urls:
                return found
            variables = endpoint.url.variables.union(*(text.variables for text, _ in self._open_urls))
            return Match(Unknown(variables), self._open_urls[0][1])
        address = endpoint.address
        found = self.address(address)
        proxied = carried(address) if self.lenient and found.answer is not True else None
        return (
            found if proxied is None else _best((match.answer, match.rule) for match in (self.address(proxied), found))
        )

    def address(self, address: Address | None) -> Match:
        """Match a URL that is known; None is one that cannot be parsed."""
        for at in sorted(self._candidates(address)):
            pattern, rule = self._urls[at]
            if pattern.matches(address, lenient=self.lenient):
                return Match(answer=True, rule=rule)
        if not self._open_urls:
            return NO_MATCH
        return _best((open_rule(text, address), rule) for text, rule in self._open_urls)

    def any(self, endpoint: Endpoint) -> Match:
        """Match by name, command or URL, as deny entries do."""
        found = [self.name(endpoint.name)]
        if endpoint.command is not None:
            found.append(self.command(endpoint.command))
        if endpoint.url is not None:
            found.append(self.url(endpoint))
        return _best((match.answer, match.rule) for match in found)

    def _add_command(self, rule: CommandRule, environment: Environment | None) -> None:
        command: tuple[Text, ...] = rule.command
        if environment is not None:
            command = tuple(expand(part, environment) for part in rule.command)
        if any(isinstance(part, Open) for part in command):
            self._open_commands.append((command, rule))
        self._commands.setdefault(command, rule)

    def _add_url(self, rule: UrlRule, environment: Environment | None) -> None:
        text: Text = rule.url if environment is None else expand(rule.url, environment)
        inert = not self.lenient and environment is not None and not honours(rule.url, environment)
        if isinstance(text, Open) and not inert:
            self._open_urls.append((text, rule))
            return
        pattern = UrlPattern(rule.url, Form.NEVER) if inert or isinstance(text, Open) else compile_pattern(text)
        self._file(len(self._urls), pattern)
        self._urls.append((pattern, rule))

    def _file(self, at: int, pattern: UrlPattern) -> None:
        """Put a pattern where a server that it can match will look for it."""
        if pattern.form is Form.NEVER:
            return
        parts = pattern.form is Form.PARTS
        segment = _first_segment(pattern.path.pieces[0]) if parts and pattern.path is not None else None
        if parts and pattern.host.literal:
            group, key = self._by_host, pattern.host.pieces[0]
        else:
            group, key = self._by_suffix, pattern.host.pieces[-1].partition(".")[2] if parts else ""
        group.setdefault(key, {}).setdefault(segment, []).append(at)

    def _candidates(self, address: Address | None) -> Iterator[int]:
        """Yield the positions of patterns that may match."""
        if address is None:
            yield from self._by_suffix.get("", {}).get(None, ())
            return
        host = address.bare_host
        groups = [self._by_host.get(host)]
        while host and self._by_suffix:
            groups.append(self._by_suffix.get(host))
            host = host.partition(".")[2]
        groups.append(self._by_suffix.get(""))
        segments = {None, _first_segment(address.path + "/"), _first_segment(address.path + address.query + "/")}
        for group in groups:
            if group:
                for segment in segments:
                    yield from group.get(segment, ())


def _first_segment(path: str) -> str | None:
    """Return the first segment of a path, None unless a slash ends it."""
    _, _, rest = path.partition("/")
    segment, slash, _ = rest.partition("/")
    return segment if slash else None


def _best(found: Iterable[tuple[Ternary, Rule | None]]) -> Match:
    """Return the first match that is certain, else all the unknown ones together, else none."""
    variables: frozenset[str] = frozenset()
    first: Rule | None = None
    for answer, rule in found:
        if answer is True:
            return Match(answer=True, rule=rule)
        if isinstance(answer, Unknown):
            variables |= answer.variables
            first = first or rule
    return Match(Unknown(variables), first) if variables else NO_MATCH


def endpoint_of(name: str, command: tuple[str, ...] | None, url: str | None, environment: Environment) -> Endpoint:
    """Return what rules are compared with, expanded with the server's side of the environment."""
    return Endpoint(name, command, url).expanded(environment)

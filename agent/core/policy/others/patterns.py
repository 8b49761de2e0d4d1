r"""Regular expressions as Codex reads them (Rust's `regex-lite`), matched in time linear in the text.

An administrator writes the pattern and a user the text that it meets, so that Python's `re`, which may take exponential time and
has another syntax, is not used. Observed with Codex 0.169.0: the whole value must match; `\w`, `\d`, `\s` are ASCII; look-around,
back-references and `\p{…}` keep the client from starting; `k++` is a repetition of a repetition.
"""

from dataclasses import dataclass

from agent.core.policy.others.pattern_syntax import InvalidPatternError, Node, Parser, UnknownPatternError

MAX_STEPS = 4_000


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern: a list of instructions, run over all positions at once."""

    steps: tuple[Node, ...]

    def matches(self, text: str) -> bool:
        """Say whether the whole of `text` matches."""
        state = self._closure({0}, text, 0)
        for at, char in enumerate(text):
            moved = {pc + 1 for pc in state if pc < len(self.steps) and _passes(self.steps[pc], char)}
            state = self._closure(moved, text, at + 1)
            if not state:
                return False
        return len(self.steps) in state

    def _closure(self, start: set[int], text: str, at: int) -> set[int]:
        seen: set[int] = set()
        todo = list(start)
        while todo:
            pc = todo.pop()
            if pc in seen:
                continue
            seen.add(pc)
            step: Node = self.steps[pc] if pc < len(self.steps) else ("end",)
            if step[0] == "fork":
                todo += [pc + offset for offset in step[1:] if isinstance(offset, int)]
            elif step[0] == "look" and step[1](text, at):  # type: ignore[operator]
                todo.append(pc + 1)
        return seen


def _passes(step: Node, char: str) -> bool:
    return step[0] == "char" and bool(step[1](char))  # type: ignore[operator]


def compile_pattern(expression: str) -> Pattern:
    """Return the compiled pattern.

    Raises:
        InvalidPatternError: the client refuses it.
        UnknownPatternError: it uses what is not known here, or is too large.
    """
    parser = Parser(expression)
    node = parser.alternation(0)
    if parser.at < len(expression):
        raise InvalidPatternError("a closing ')' without an opening one")
    return Pattern(tuple(_compiled(node)))


def _compiled(node: Node) -> list[Node]:
    kind = node[0]
    if kind == "all":
        return _fit([step for part in node[1:] for step in _compiled(part)])  # type: ignore[arg-type]
    if kind == "any":
        first, *others = (_compiled(part) for part in node[1:])  # type: ignore[arg-type]
        for other in others:
            first = _fit([("fork", 1, len(first) + 2), *first, ("fork", len(other) + 1), *other])
        return first
    if kind == "repeat":
        return _repeated(node)
    return [node]


def _repeated(node: Node) -> list[Node]:
    _, part, least, most = node
    body = _compiled(part)  # type: ignore[arg-type]
    assert isinstance(least, int)  # noqa: S101 - the parser made it
    if max(least, most or 0) * max(len(body), 1) > MAX_STEPS:  # type: ignore[call-overload]
        raise UnknownPatternError("the pattern is too large")
    steps = body * least
    if most is None:
        return _fit([*steps, ("fork", 1, len(body) + 2), *body, ("fork", -len(body) - 1)])
    assert isinstance(most, int)  # noqa: S101 - the parser made it
    for _ in range(most - least):
        steps = [*steps, ("fork", 1, len(body) + 1), *body]
    return _fit(steps)


def _fit(steps: list[Node]) -> list[Node]:
    if len(steps) > MAX_STEPS:
        raise UnknownPatternError("the pattern is too large")
    return steps


__all__ = ["InvalidPatternError", "Pattern", "UnknownPatternError", "compile_pattern"]

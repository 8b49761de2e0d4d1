"""What one entry of a policy does that its author did not mean: the traps of the matching rules, one row or function each.

A flaw says what happens and how the entry should read. Every trap was seen with the real client: patterns that never match, hosts
that look alike, ports and paths that are wider than they look, denials that a small change evades.
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Any

from agent.core.policy.expansion import has_reference, references
from agent.core.policy.flaw import ENVIRONMENT, EVADABLE, INERT, NAMES, Flaw
from agent.core.policy.pattern_flaws import broad_flaws, inert_flaws, narrow_flaws
from agent.core.policy.rules import CommandRule, NameRule, Rule, UrlRule


@dataclass(frozen=True, slots=True)
class Demotion:
    """Which kinds of server an allow list still asks for a name."""

    local: bool
    remote: bool


def allow_flaws(rule: Rule, names: Demotion, pinned: Container[str] = ()) -> Iterator[Flaw]:
    """Yield what is wrong with an allow entry; `pinned` are the variables that managed settings set."""
    if isinstance(rule, NameRule):
        yield _allowed_name(names)
    elif isinstance(rule, CommandRule):
        yield from _command_flaws(rule)
    else:
        yield from inert_flaws(rule, deny=False)
        yield from broad_flaws(rule)
    yield from _variables(rule, pinned, "its user chooses what it admits")


def deny_flaws(rule: Rule, pinned: Container[str] = ()) -> Iterator[Flaw]:
    """Yield what is wrong with a deny entry; `pinned` are the variables that managed settings set."""
    if isinstance(rule, NameRule):
        text = "A name is a label: whoever renames the server evades the entry."
        yield Flaw(EVADABLE, "denied-name", text, "Deny the command or the URL, or rely on an allowlist.")
    elif isinstance(rule, CommandRule):
        inert = list(_command_flaws(rule))
        yield from inert
        if not inert:
            text = (
                "The command is compared word by word: one more argument, a path or a shell before it evades the entry."
            )
            yield Flaw(EVADABLE, "changed-argument", text, "Rely on an allowlist; a denied command is a reminder only.")
    else:
        inert = list(inert_flaws(rule, deny=True))
        yield from inert
        if not inert:
            yield from narrow_flaws(rule)
    yield from _variables(rule, pinned, "its user chooses whether it matches")


def mended(item: object) -> dict[str, Any] | None:
    """Return the entry that an invalid one was probably meant to be: its strongest key, a command split into words."""
    if isinstance(item, str):
        return {"serverUrl": item} if "://" in item else None
    entry: dict[str, Any] = item if isinstance(item, dict) else {}
    for key in ("serverCommand", "serverUrl", "serverName"):
        value = entry.get(key)
        if key == "serverCommand" and isinstance(value, str) and value.split():
            return {key: value.split()}
        if key == "serverUrl" and isinstance(value, list) and len(value) == 1:
            value = value[0]
        words = isinstance(value, list) and value and all(isinstance(word, str) for word in value)
        if words if key == "serverCommand" else isinstance(value, str) and value:
            return {key: value}
    return None


def _allowed_name(names: Demotion) -> Flaw:
    kinds = " and ".join(kind for kind, counts in (("local", names.local), ("remote", names.remote)) if counts)
    if not kinds:
        text = "Names do not count in this list: it holds serverCommand and serverUrl entries, which demote them."
        return Flaw(INERT, "name-demoted", text, "Remove the entry, or write the command or URL that it stands for.")
    text = f"Any {kinds} server that its user gives this name is allowed, whatever it runs."
    return Flaw(NAMES, "name-decides", text, "Replace it by the exact serverCommand or the narrowest serverUrl.")


def _command_flaws(rule: CommandRule) -> Iterator[Flaw]:
    words = rule.command
    if (
        len(words) == 1
        and len(words[0].split()) > 1
        and not words[0].startswith(("/", "\\"))
        and ":" not in words[0][:3]
    ):
        corrected = {"serverCommand": words[0].split()}
        text = "The whole command line stands in one word, so only a program of exactly this name matches."
        yield Flaw(INERT, "one-word", text, "Write the command and each argument as words of their own.", corrected)
    if any("*" in word for word in words):
        text = "A star in a command stands for itself: it is no wildcard, so only a literal star matches."
        yield Flaw(INERT, "no-wildcards", text, "Write every argument out, one entry for each command that is meant.")
    plain = [word for word in words if not has_reference(word) and (word.startswith(("~/", "$")) or _percent(word))]
    if plain:
        text = f"{plain[0]!r} is taken as it is written: only ${{NAME}} and ${{NAME:-default}} are expanded."
        yield Flaw(INERT, "not-expanded", text, "Write the absolute path.")


def _percent(word: str) -> bool:
    return word.startswith("%") and word.count("%") > 1


def _variables(rule: Rule, pinned: Container[str], why: str) -> Iterator[Flaw]:
    texts = rule.command if isinstance(rule, CommandRule) else (rule.url,) if isinstance(rule, UrlRule) else ()
    names = list(dict.fromkeys(name for text in texts for name in references(text) if name not in pinned))
    if names:
        text = f"The entry depends on {', '.join(names)} in the client's environment: {why}."
        yield Flaw(ENVIRONMENT, "variable", text, "Write the value itself, or set the variable in the managed env.")

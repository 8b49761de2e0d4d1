"""The managed files of the Windows machine around this Linux (WSL), which the client inside it reads where they let it inherit.

Observed with Claude Code 2.1.330 on a Linux whose kernel names Microsoft, under `/mnt/c/Program Files/ClaudeCode`:

- `wslInheritsWindowsSettings`, true or "true" in any of the files there (or in HKLM, which only Windows can be asked about), arms
  them; without it nothing in them binds. The key counts nowhere else: not in /etc/claude-code.
- Armed, and with any policy key set, they are the policy, and /etc/claude-code counts for nothing, its deny entries included:
  inside WSL its user writes there. With no policy key of their own they leave everything to /etc/claude-code.
- A value that is neither true nor false arms them too; where they set no policy key, the client does not start.
- One that cannot be parsed keeps the client from starting, armed or not.
- managed-mcp.json is read from /etc/claude-code alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from agent.core.observation import Document, DocumentKind
from agent.core.place import Listing, Missing, Place, User
from agent.core.policy.managed import Managed, read_files, read_store
from agent.core.policy.members import INHERITS
from agent.core.policy.rulesets import RuleSet
from agent.core.policy.sources import NOT_INHERITED, SHADOWED
from agent.core.server import Problem

_READ_AS: Mapping[DocumentKind, DocumentKind] = {
    DocumentKind.WINDOWS_SETTINGS: DocumentKind.MANAGED_SETTINGS,
    DocumentKind.WINDOWS_DROPIN: DocumentKind.MANAGED_DROPIN,
}
_OF_WINDOWS = frozenset({DocumentKind.MANAGED_PREFERENCES, *_READ_AS.values()})
_CONTROL = frozenset({INHERITS, "managedSourcesBehavior"})


@dataclass(frozen=True, slots=True)
class Sides:
    """What both sides say once they know of one another: Windows' files, and those of this Linux."""

    windows: Managed
    linux: Managed


def read_sides(documents: Sequence[Document], linux: Managed, user: User | None, rules: RuleSet) -> Sides:
    """Return both sides, `linux` being what its own files say by themselves."""
    given = [document for document in documents if document.kind in _READ_AS]
    if not rules.inherits_windows or all(isinstance(document.content, Missing) for document in given):
        return Sides(Managed(rules=rules), linux)
    windows = read_files([replace(item, kind=_READ_AS[item.kind]) for item in given], None, user, rules)
    windows = replace(windows, sources=tuple(replace(one, kind=_kind_of(one.path)) for one in windows.sources))
    if windows.refusal is not None:
        return Sides(windows, linux)
    path = windows.sources[0].path if windows.sources else given[0].path
    if windows.inherits == "no":
        return Sides(_unbound(windows, f"Nothing in it sets {INHERITS}, so it does not bind inside WSL.", path), linux)
    if windows.keys - _CONTROL:
        text = f"{path} of Windows takes the place of /etc/claude-code inside WSL: nothing here binds, deny entries included."
        return Sides(windows, _shadowed(linux, text))
    if windows.inherits == "invalid":
        why = f"{path}: {INHERITS} must be true or false, and nothing else there sets a policy: Claude Code does not start."
        return Sides(replace(windows, refusal=why), linux)
    return Sides(windows, linux)


def inherited(documents: Sequence[Document], dropins: Listing | None, rules: RuleSet) -> tuple[Document, ...]:
    """Return, of what binds on a Windows machine, what binds the client in a WSL inside it, too; nothing if it may not.

    HKCU and managed-mcp.json never do. What /etc/claude-code of that WSL says beside them counts for nothing.
    """
    given = tuple(document for document in documents if document.kind in _OF_WINDOWS)
    sides = (read_store(given, DocumentKind.MANAGED_PREFERENCES, None, rules), read_files(given, dropins, None, rules))
    armed = rules.inherits_windows and any(side.inherits != "no" for side in sides)
    stopped = rules.inherits_windows and any(side.refusal is not None for side in sides)
    return given if stopped or (armed and any(side.keys - _CONTROL for side in sides)) else ()


def _kind_of(path: str) -> str:
    kind = DocumentKind.WINDOWS_DROPIN if "/managed-settings.d/" in path else DocumentKind.WINDOWS_SETTINGS
    return kind.value


def _unbound(windows: Managed, text: str, path: str) -> Managed:
    """Return the files as sources of which nothing counts."""
    problem = Problem(Place(path), NOT_INHERITED, text)
    sources = tuple(replace(one, selected=False, problems=(*one.problems, problem)) for one in windows.sources)
    return Managed(rules=windows.rules, sources=sources)


def _shadowed(linux: Managed, text: str) -> Managed:
    if not linux.keys:
        return Managed(rules=linux.rules, sources=tuple(replace(one, selected=False) for one in linux.sources))
    problem = Problem(Place(linux.sources[0].path), SHADOWED, text)
    sources = tuple(replace(one, selected=False, problems=(*one.problems, problem)) for one in linux.sources)
    return Managed(rules=linux.rules, sources=sources, problems=(problem,))

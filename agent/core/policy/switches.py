"""The switches of a managed document: how one that restricts is read if it is true, false, missing, null or of a wrong type."""

from collections.abc import Mapping
from typing import Any, Literal

from agent.core.jsontext import pointer as pointer_to
from agent.core.place import Place
from agent.core.policy.members import INHERITS, LOCK, NO_SIDELOAD, PLUGIN_ONLY
from agent.core.server import Problem


def switch(value: Mapping[str, Any], key: str, path: str, before: Place | None) -> Place | None:
    """Return where a restrictive switch is on. Null leaves it as it was; a wrong type turns it on."""
    setting = value.get(key)
    if setting is None:
        return before
    return None if setting is False or setting == "false" else Place(path, pointer_to(key))


def inherited_from(
    value: Mapping[str, Any], before: Literal["no", "invalid", "yes"]
) -> Literal["no", "invalid", "yes"]:
    """One file that says yes is enough; a value that is neither counts where none does."""
    setting = value.get(INHERITS)
    if setting is True or setting == "true":
        return "yes"
    return before if setting is None or setting is False or setting == "false" or before == "yes" else "invalid"


def plugin_only(value: Mapping[str, Any], path: str, before: Place | None) -> Place | None:
    """Return where servers other than plugins' are shut out: true, a list that holds "mcp", or a wrong type."""
    setting = value.get(PLUGIN_ONLY)
    if isinstance(setting, list):
        return Place(path, pointer_to(PLUGIN_ONLY)) if "mcp" in setting else before
    if setting is None:
        return before
    return None if setting is False else Place(path, pointer_to(PLUGIN_ONLY))  # "false" is no boolean here


def odd_switches(value: Mapping[str, Any], path: str) -> list[Problem]:
    """Return what is wrong with switches that are neither true nor false, and what the client takes them for."""
    problems = []
    for key in (LOCK, NO_SIDELOAD):
        setting = value.get(key)
        if setting is None or isinstance(setting, bool):
            continue
        read = "what it says" if setting in ("true", "false") else "true"
        text = f"{key} must be true or false; the client takes it for {read}."
        problems.append(Problem(Place(path, pointer_to(key)), "invalid-value", text))
    return problems

"""Is an observed command line what a configured command yields? Compared in normal form, never by substring.

Launchers rewrite their titles, drop options and start programs whose paths they make up; the rules here say what may
differ (measured on real clients, see `tests/golden/processes`). Arguments may not differ, except where the configured
ones hold a variable (`${HOME}`), which the client fills in.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from agent.core.artifact import PINNED
from agent.core.commandline import Argv, slashed
from agent.core.launcher_tables import Kind
from agent.core.launchers import Launch, launch
from agent.core.stores import npx_key

_VARIABLE = re.compile(r"\$\{[^}]*\}|\$[A-Za-z_]\w*|%[A-Za-z_]\w*%")
_HARMLESS = frozenset({"-y", "--yes", "-q", "--quiet", "--bun", "-i", "--rm", "-t", "-it", "-A"})


class Strength(StrEnum):
    """How close: the same words, the same launch said differently, or what the configured launch starts in turn."""

    EXACT = "exact"
    SAME = "same"
    YIELDS = "yields"


@dataclass(frozen=True, slots=True)
class Match:
    """That an observed command corresponds with a configured one, and why, in words that hold no argument."""

    strength: Strength
    text: str


def corresponds(configured: Sequence[str], observed: Sequence[str]) -> Match | None:
    """Return why the observed command line is what `configured` (`[command, *args]`) yields, None where it is not."""
    if same_words(tuple(configured), tuple(observed)):
        return Match(Strength.EXACT, "the command line is the configured one, word for word")
    ours, theirs = launch(configured), launch(observed)
    return None if ours is None or theirs is None else compare(ours, theirs)


def compare(configured: Launch, observed: Launch) -> Match | None:
    """Return why two launches are one, None where they are not."""
    if Kind.UNKNOWN in (configured.kind, observed.kind):
        return None
    if not _same_args(configured, observed) or not _same_options(configured, observed):
        return None
    for rule in _RULES:
        found = rule(configured, observed)
        if found is not None:
            return found
    return None


def keys(found: Launch) -> frozenset[str]:
    """Return words of which two corresponding launches share at least one: the key of an index over many entries."""
    names = {found.program, found.package, found.npx_key, found.launcher and found.specs and found.specs[0]}
    if found.kind is Kind.NPM and found.specs:
        names.add(npx_key(found.specs))
    if found.kind is Kind.PYPI and found.package:
        names.add(found.package.lower())
    return frozenset(name for name in names if name)


def same_words(configured: Argv, observed: Argv) -> bool:
    """True where the words are equal once the configured variables are filled in."""
    return len(configured) == len(observed) and all(map(_same_word, configured, observed))


def _same_word(configured: str, observed: str) -> bool:
    if configured == observed:
        return True
    if not _VARIABLE.search(configured):
        return False
    pattern = ".*".join(re.escape(part) for part in _VARIABLE.split(configured))
    return re.fullmatch(pattern, observed, re.DOTALL) is not None


def _same_args(configured: Launch, observed: Launch) -> bool:
    if same_words(configured.args, observed.args):
        return True
    joined = " ".join(" ".join(configured.args).split())
    return (observed.retitled or configured.retitled) and _same_word(joined, " ".join(observed.args))


def _same_options(configured: Launch, observed: Launch) -> bool:
    """A launcher's options decide what it fetches; npm's title has dropped them, and started programs have none."""
    if observed.launcher is None or observed.retitled:
        return True
    ours, theirs = sorted(configured.options - _HARMLESS), sorted(observed.options - _HARMLESS)
    if observed.launcher != configured.launcher:  # pipx hands over to uv, and names the interpreter
        return set(theirs) <= {*ours, *(option for option in theirs if option.startswith("--python="))}
    return same_words(tuple(ours), tuple(theirs))


def _same_version(configured: Launch, observed: Launch) -> bool:
    if configured.version == observed.version:
        return True
    if observed.launcher is not None:
        return False
    return observed.version is None or configured.version is None or not PINNED.fullmatch(configured.version)


def _by_package(configured: Launch, observed: Launch) -> Match | None:
    if not configured.package or configured.kind is not observed.kind or configured.package != observed.package:
        return None
    if not _same_version(configured, observed):
        return None
    if observed.launcher or configured.launcher is None:
        return Match(Strength.SAME, f"the same {configured.kind} package with the same arguments")
    return Match(Strength.YIELDS, f"a program of the configured {configured.kind} package, from the {observed.store}")


def _by_npx_folder(configured: Launch, observed: Launch) -> Match | None:
    if observed.npx_key and configured.kind is Kind.NPM and npx_key(configured.specs) == observed.npx_key:
        return Match(Strength.YIELDS, "the npx cache folder is the one of the configured package")
    return None


def _by_packaged_program(configured: Launch, observed: Launch) -> Match | None:
    """A launcher that hides the package (`npm exec BIN`), or the program that it has started."""
    if not configured.launcher or not configured.specs:
        return None
    if observed.retitled and observed.specs == (configured.program,):
        return Match(Strength.SAME, "npm's title names the configured program with the same arguments")
    from_store = observed.store is not None and observed.kind is configured.kind and observed.package is None
    if from_store and observed.npx_key is None and observed.program == configured.program:
        return Match(Strength.YIELDS, f"the configured program, from the {observed.store}")
    return None


def _by_path(configured: Launch, observed: Launch) -> Match | None:
    if configured.path is None or observed.path is None:
        return None
    if _same_word(slashed(configured.path), slashed(observed.path)):
        return Match(Strength.SAME, "the configured program with the same arguments")
    if configured.kind is Kind.PROGRAM and configured.bare and configured.program == observed.program:
        return Match(Strength.YIELDS, "a program of the configured name with the same arguments")
    return None


def _by_module(configured: Launch, observed: Launch) -> Match | None:
    if configured.kind is observed.kind is Kind.MODULE and configured.program == observed.program:
        return Match(Strength.SAME, "the configured module with the same arguments")
    return None


_RULES = (_by_package, _by_npx_folder, _by_packaged_program, _by_path, _by_module)

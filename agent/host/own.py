"""The facts of everything that the agent itself consists of: program, settings, state, and every folder above them."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import agent
from agent.core.place import Facts
from agent.host.facts import facts_of
from agent.host.machine import OwnPaths

_LIMIT = 5_000


def own_places(paths: OwnPaths) -> tuple[Path, ...]:
    """Return the program's folder, its interpreter, the settings with their drop-ins, and the state folder.

    A frozen program's folder holds the libraries and the interpreter too.
    """
    frozen = getattr(sys, "frozen", False)
    program = Path(sys.executable if frozen else agent.__file__).parent
    return (program, Path(sys.executable), paths.settings, paths.settings.parent / "agent.d", paths.state)


def own_facts(places: Sequence[Path], handed_out: Path | None = None) -> tuple[Facts, ...]:
    """Return the facts of `places`, of everything below them, and of every folder above; links are passed, not followed twice.

    What is not there has none. At most some thousand files are looked at. What lies below `handed_out` is left out: the agent
    wrote it there for users, whose it is, and reads none of it.
    """
    found: dict[str, Facts] = {}
    for place in places:
        for path in _way(place):
            _note(path, found)
        for path in _below(place, handed_out):
            if len(found) >= _LIMIT:
                break
            _note(path, found)
    return tuple(found.values())


def _way(place: Path) -> Iterator[Path]:
    yield from reversed(place.parents)
    yield place
    with suppress(OSError, RuntimeError):
        real = place.resolve(strict=True)
        if real != place:
            yield from reversed(real.parents)
            yield real


def _below(place: Path, handed_out: Path | None) -> Iterator[Path]:
    for folder, folders, files in os.walk(place):
        if Path(folder) == handed_out:
            folders.clear()
            continue
        yield from (Path(folder) / name for name in (*folders, *files))


def _note(path: Path, found: dict[str, Facts]) -> None:
    text = str(path)
    if text not in found:
        with suppress(OSError):
            found[text] = facts_of(path.lstat(), text, posix=os.name == "posix")

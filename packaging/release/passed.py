"""Which packages passed their tests, by their digests: `passed.py DIST PACKAGE...` writes it down for packages that just did.

A release holds only packages that are in this list with these very bytes; a package that was built anew is not in it.
"""

import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path

NAME = "passed.json"


def note(dist: Path, packages: Iterable[Path]) -> None:
    """Write down that `packages` passed, just as they are."""
    _write(dist, _read(dist) | {package.name: _digest(package) for package in packages})


def forget(dist: Path, packages: Iterable[Path]) -> None:
    """Write down that nothing is known of `packages`: their tests begin."""
    names = {package.name for package in packages}
    _write(dist, {name: digest for name, digest in _read(dist).items() if name not in names})


def without(dist: Path, packages: Iterable[Path]) -> tuple[str, ...]:
    """Return the names of those of `packages` that did not pass as they are."""
    known = _read(dist)
    return tuple(package.name for package in packages if known.get(package.name) != _digest(package))


def _read(dist: Path) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads((dist / NAME).read_text())
    except FileNotFoundError:
        return {}
    return found


def _write(dist: Path, known: dict[str, str]) -> None:
    dist.mkdir(exist_ok=True)
    (dist / NAME).write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")


def _digest(package: Path) -> str:
    return hashlib.sha256(package.read_bytes()).hexdigest()


if __name__ == "__main__":
    note(Path(sys.argv[1]), map(Path, sys.argv[2:]))

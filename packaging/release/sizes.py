"""Print what each part of a frozen program takes, the largest first: `sizes.py BUILD DIST`."""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from contents import Item, contents

SHOWN = 10


def sizes(items: Sequence[Item]) -> list[tuple[str, int]]:
    """Return the bytes of each owner with its version, the largest first."""
    found: Counter[str] = Counter()
    for item in items:
        found[f"{item.owner.name} {item.owner.version}".strip()] += item.bytes
    return found.most_common()


def main(build: Path, dist: Path) -> None:
    """Print the table."""
    rows = sizes(contents(build, dist))
    for name, size in rows[:SHOWN]:
        print(f"{size / 1e6:8.2f} MB  {name}")
    print(f"{sum(size for _, size in rows[SHOWN:]) / 1e6:8.2f} MB  {len(rows[SHOWN:])} others")
    print(f"{sum(size for _, size in rows) / 1e6:8.2f} MB  in all")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

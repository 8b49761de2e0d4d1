"""Coverage-guided fuzzing of the readers: any bytes in place of any file of the catalog give entries or problems, within bounds.

`make fuzz` runs it for a minute (`FUZZ_S` seconds). An input begins with two bytes that choose a file of the catalog; the others
are its content. What it finds stands in `.scratch/fuzz`, and becomes a named test in tests/unit/catalog/test_found_by_fuzzing.py.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["agent", "yaml", "tomllib", "plistlib"]):
    from tests.fuzz.reading import FILES, read_all

from tests.golden.samples import content

_LONGEST = 4096
_SCRATCH = Path(".scratch/fuzz")


def one(given: bytes) -> None:
    """Read one input as the file that it chooses."""
    if len(given) > 2:
        read_all(int.from_bytes(given[:2]), given[2:])


def main() -> None:
    """Plant the samples of every file as seeds, and fuzz."""
    seeds = _SCRATCH / "seeds"
    seeds.mkdir(parents=True, exist_ok=True)
    for number, (_, file) in enumerate(FILES):
        seeds.joinpath(str(number)).write_bytes(number.to_bytes(2) + content(file))
    bounds = [f"-max_len={_LONGEST}", "-timeout=5", "-rss_limit_mb=1024", f"-artifact_prefix={_SCRATCH}/"]
    atheris.Setup([sys.argv[0], *bounds, *sys.argv[1:], str(seeds)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

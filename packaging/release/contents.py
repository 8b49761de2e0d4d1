"""What a frozen program holds, and whose each part is: read from what PyInstaller wrote down while it built.

A part belongs to a Python distribution, to CPython, to PyInstaller's bootloader, to a package of the build machine's system, or
to the agent itself. What belongs to nobody known is named by its file, so that nothing is left out.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, distributions
from pathlib import Path
from platform import python_version
from typing import Any

from PyInstaller import __version__ as pyinstaller_version
from PyInstaller.archive.readers import CArchiveReader

CHECKOUT = Path(__file__).parents[2]
_DPKG = "/usr/bin/dpkg-query"
_OWN = ("agent", "osquery_tables", "packaging/pyinstaller")


@dataclass(frozen=True, slots=True, order=True)
class Owner:
    """Whose something is: `kind` is `agent`, `python`, `pypi`, `deb` or `file`."""

    kind: str
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Item:
    """One module or file in the frozen program, and the bytes that it takes there (modules: compressed)."""

    name: str
    owner: Owner
    bytes: int
    file: Path | None


def contents(build: Path, dist: Path) -> tuple[Item, ...]:
    """Return everything in the folder `dist`, by the tables in PyInstaller's work folder `build`."""
    (program,) = (file for file in dist.iterdir() if file.is_file())
    modules = tuple(_modules(build, program))
    packed = sum(item.bytes for item in modules)
    loader = Owner("pypi", "pyinstaller", pyinstaller_version)
    return (
        *modules,
        Item(program.name, loader, program.stat().st_size - packed, program),
        *_files(build, dist / "_internal"),
    )


def _modules(build: Path, program: Path) -> Iterator[Item]:
    archive = CArchiveReader(str(program))
    (name,) = (name for name in archive.toc if name.startswith("PYZ"))
    sizes = {name: size for name, (_, _, size) in archive.open_embedded_archive(name).toc.items()}
    for module, source, *_ in _table(build / "PYZ-00.toc")[1]:
        yield Item(module, _owner(Path(source)), sizes[module], None)


def _files(build: Path, folder: Path) -> Iterator[Item]:
    for name, source, kind in _table(build / "COLLECT-00.toc")[0]:
        file = folder / name
        if kind in ("EXECUTABLE", "DEPENDENCY") or not file.is_file() or file.is_symlink():
            continue
        yield Item(name, _owner(Path(source)), file.stat().st_size, file)


def _table(file: Path) -> tuple[Any, ...]:
    found: tuple[Any, ...] = ast.literal_eval(file.read_text(encoding="utf-8"))
    return found


def _owner(source: Path) -> Owner:
    real = source.resolve()
    if any(real.is_relative_to(CHECKOUT / own) for own in _OWN) or real.name == "inventory.json":
        return agent()
    if real in (known := _by_file()):
        return known[real]
    if "PyInstaller" in real.parts:
        return Owner("pypi", "pyinstaller", pyinstaller_version)
    if real.is_relative_to(Path(sys.base_prefix).resolve()) or real.name == "base_library.zip":
        return Owner("python", "cpython", python_version())
    return _system(source) or _system(real) or Owner("file", real.name, "")


def agent() -> Owner:
    """Return the agent itself."""
    sys.path.insert(0, str(CHECKOUT))
    from agent import __version__  # noqa: PLC0415 - of this checkout

    return Owner("agent", "mcp-compliance-agent", __version__)


@cache
def _by_file() -> Mapping[Path, Owner]:
    return {
        Path(str(found.locate_file(file))).resolve(): Owner("pypi", name, found.version)
        for name, found in installed().items()
        for file in found.files or ()
    }


@cache
def installed() -> Mapping[str, Distribution]:
    """Return the distributions of the building environment, by their normal name."""
    return {found.name.lower().replace("_", "-"): found for found in distributions()}


@cache
def _system(file: Path) -> Owner | None:
    """Return the Debian package that `file` came with; on a merged /usr the package may know it without."""
    if not Path(_DPKG).exists():
        return None
    for path in (str(file), str(file).removeprefix("/usr")):
        said = subprocess.run([_DPKG, "-S", path], capture_output=True, text=True, check=False).stdout
        if said:
            package = said.splitlines()[0].rpartition(": ")[0]
            version = [_DPKG, "-W", "-f", "${source:Package} ${Version}", package]
            source, number = subprocess.run(version, capture_output=True, text=True, check=True).stdout.split()
            return Owner("deb", source, number)
    return None

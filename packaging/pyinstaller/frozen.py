"""What the specifications of the frozen programs have in common: what is left out, and what Windows shows of a file."""

import sys
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[2]
sys.path.insert(0, str(CHECKOUT))

from agent import __version__  # noqa: E402 - found by the line above

# What a dependency names and no program of ours reaches. Codecs stay all: the console of a Japanese Windows speaks cp932.
EXCLUDES = [
    "charset_normalizer",  # guesses the encoding of texts for requests: no text of an endpoint is ever guessed (2 MB of memory)
    "asyncio",  # there are threads, and the supervisor makes them
    "concurrent.futures.process",
    "multiprocessing",
    "pydantic.mypy",
    "pydantic.v1",
    "urllib3.contrib.emscripten",
    "cffi",  # builds extensions; `_cffi_backend`, which loads them, stays
    "pycparser",
    "setuptools",
    "pkg_resources",
    "pygments",  # rich would colour code with it
    "markdown_it",  # and read Markdown with this
    "mdurl",
    "_pyrepl",
    "doctest",
    "ftplib",
    "lib2to3",
    "pdb",
    "pydoc",
    "tkinter",
    "turtle",
    "tzdata",  # no local time is ever reckoned with
    "unittest",
    "win32evtlog",  # logging would load pywin32 for a handler that is not used
    "win32evtlogutil",
    "xmlrpc",
]

OPTIMIZE = 2
"""What PyInstaller is told: without docstrings, of which nobody reads those of libraries (1.5 MB of memory)."""


def with_our_docstrings(modules: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Return the table of modules with ours compiled as they stand: help texts and published schemas are made of docstrings."""
    return [(name, path, "PYMODULE" if _is_ours(name) else kind) for name, path, kind in modules]


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in {"agent", "osquery_tables"}


def windows_version(name: str, title: str) -> Any:  # noqa: ANN401 - PyInstaller's own
    """Return what Windows shows of the file: who made it, and which version it is; None on other systems."""
    if sys.platform != "win32":
        return None
    from PyInstaller.utils.win32 import versioninfo as info  # noqa: PLC0415 - can be imported on Windows only

    numbers = (*(int(part) for part in __version__.split(".")[:3]), 0)
    texts = {
        "CompanyName": "mcp-compliance-agent",
        "FileDescription": title,
        "FileVersion": __version__,
        "InternalName": name,
        "OriginalFilename": f"{name}.exe",
        "ProductName": title,
        "ProductVersion": __version__,
    }
    strings = [info.StringStruct(key, text) for key, text in texts.items()]
    return info.VSVersionInfo(
        ffi=info.FixedFileInfo(filevers=numbers, prodvers=numbers),
        kids=[
            info.StringFileInfo([info.StringTable("040904B0", strings)]),
            info.VarFileInfo([info.VarStruct("Translation", [0x0409, 1200])]),
        ],
    )

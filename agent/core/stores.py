"""Where package managers put what they start: from the path of a program to the package that it belongs to.

Measured on npm 11, uv 0.13, pipx 1.18, bun and pnpm; one row per layout in `_LAYOUTS`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from agent.core.commandline import slashed


@dataclass(frozen=True, slots=True)
class Stored:
    """A program found in a package manager's store. `npx_key` names the npx cache folder, a digest of the specs."""

    store: str
    ecosystem: str
    package: str | None = None
    version: str | None = None
    npx_key: str | None = None


_NPM_NAME = r"(?:@[^/@]+/)?[^/@.][^/@]*"
_LAYOUTS: tuple[tuple[str, str, re.Pattern[str]], ...] = tuple(
    (store, ecosystem, re.compile(pattern, re.IGNORECASE))
    for store, ecosystem, pattern in (
        (
            "npx cache",
            "npm",
            rf"/_npx/(?P<npx_key>[0-9a-f]{{16}})/node_modules/(?:\.bin/+\.\./)?(?P<package>{_NPM_NAME})/",
        ),
        ("npx cache", "npm", r"/_npx/(?P<npx_key>[0-9a-f]{16})/node_modules/\.bin/"),
        ("bun cache", "npm", rf"/\.?bunx-[^/]*[-/](?P<package>{_NPM_NAME})@(?P<version>[^/]+)/node_modules/"),
        (
            "pnpm store",
            "npm",
            rf"/\.pnpm/[^/]+@(?P<version>\d[^/_(]*)[^/]*/node_modules/(?P<package>{_NPM_NAME})/",
        ),
        ("node_modules", "npm", rf"/node_modules/(?P<package>{_NPM_NAME})/(?!(?:.*/)?node_modules/)"),
        ("node_modules", "npm", r"/node_modules/\.bin/"),
        ("uv cache", "pypi", r"/(?:archive|builds|environments)-v\d+/[^/]+/(?:bin|scripts)/"),
        ("uv tools", "pypi", r"/uv/tools/(?P<package>[^/]+)/(?:bin|scripts)/"),
        ("pipx", "pypi", r"/pipx/venvs/(?P<package>[^/]+)/(?:bin|scripts)/"),
        ("pipx", "pypi", r"/pipx/(?:\.cache/)?[0-9a-f]{12,16}/(?:bin|scripts)/"),
    )
)


def stored(path: str) -> Stored | None:
    """Return the store and package that `path` lies in, None for a path outside of every known store."""
    text = slashed(path)
    for store, ecosystem, layout in _LAYOUTS:
        found = layout.search(text)
        if found:
            return Stored(store, ecosystem, **found.groupdict())
    return None


def npx_key(specs: Iterable[str]) -> str:
    """Return the name of npx's cache folder for the specs as typed (npm libnpmexec: sha512 of the sorted specs)."""
    import hashlib  # noqa: PLC0415 - it loads OpenSSL, which the process that listens never needs

    return hashlib.sha512("\n".join(sorted(specs)).encode()).hexdigest()[:16]

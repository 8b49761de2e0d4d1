"""What a server really is: which package in which version, which file with which digest, who can change it, and what bends it.

Variables count by name only; their values are never looked at.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from agent.core.launcher_tables import Kind
from agent.core.launchers import Launch
from agent.core.redaction import redact_name

_LOADER = "what the system's loader puts into the program"
_INTERPRETER = "what the interpreter runs or loads first"
_REGISTRY = "where its package comes from"
_SHELL = "what its shell runs first"
_LOOKUP = "which program a name means"

_VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "DYLD_INSERT_LIBRARIES"), _LOADER),
        **dict.fromkeys(("DYLD_LIBRARY_PATH", "DYLD_FRAMEWORK_PATH", "DYLD_FALLBACK_LIBRARY_PATH"), _LOADER),
        **dict.fromkeys(("NODE_OPTIONS", "NODE_PATH", "BUN_OPTIONS", "DENO_DIR"), _INTERPRETER),
        **dict.fromkeys(("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONUSERBASE"), _INTERPRETER),
        **dict.fromkeys(
            ("RUBYOPT", "RUBYLIB", "PERL5LIB", "PERL5OPT", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS"), _INTERPRETER
        ),
        **dict.fromkeys(("CLASSPATH", "JDK_JAVA_OPTIONS", "DOTNET_STARTUP_HOOKS"), _INTERPRETER),
        **dict.fromkeys(("BASH_ENV", "ENV", "ZDOTDIR", "PROMPT_COMMAND"), _SHELL),
        **dict.fromkeys(("NPM_CONFIG_REGISTRY", "NPM_CONFIG_USERCONFIG", "NPM_CONFIG_GLOBALCONFIG"), _REGISTRY),
        **dict.fromkeys(("NPM_CONFIG_PREFIX", "NPM_CONFIG_CACHE", "NPM_CONFIG_SCRIPT_SHELL"), _REGISTRY),
        **dict.fromkeys(("YARN_REGISTRY", "YARN_NPM_REGISTRY_SERVER", "BUN_CONFIG_REGISTRY"), _REGISTRY),
        **dict.fromkeys(("UV_INDEX_URL", "UV_INDEX", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL"), _REGISTRY),
        **dict.fromkeys(("UV_FIND_LINKS", "UV_CONFIG_FILE", "UV_PYTHON", "UV_CACHE_DIR", "UV_TOOL_DIR"), _REGISTRY),
        **dict.fromkeys(("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_CONFIG_FILE"), _REGISTRY),
        **dict.fromkeys(("PIPX_HOME", "DENO_INSTALL_ROOT", "GOPROXY", "GOFLAGS", "CARGO_HOME"), _REGISTRY),
        **dict.fromkeys(("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG"), _REGISTRY),
        **dict.fromkeys(("PATH", "PATHEXT", "COMSPEC"), _LOOKUP),
    },
)
OVERRIDES = frozenset((*_VARIABLES, *(name.lower() for name in _VARIABLES if name.startswith("NPM_")))) - {
    "PATH",
    "ENV",
}
"""Names of variables that change what runs without a change of the command, but for those that every process has."""

_USUAL = frozenset(
    {"LD_LIBRARY_PATH", "DENO_DIR", "CARGO_HOME", "CLASSPATH", "ZDOTDIR", "PROMPT_COMMAND", "PATHEXT", "COMSPEC"}
)

SDKS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "npm": frozenset(
            {
                "@modelcontextprotocol/sdk",
                "@modelcontextprotocol/server",
                "fastmcp",
                "mcp-framework",
                "mcp-lite",
                "xmcp",
            }
            | {"@mastra/mcp", "mcp-handler", "@vercel/mcp-adapter", "mcp-use", "muppet", "tmcp"}
        ),
        "pypi": frozenset({"mcp", "fastmcp", "fastapi-mcp", "mcp-use", "arcade-mcp-server", "gradio-mcp"}),
    }
)
"""Packages with which MCP servers are made, by ecosystem: what depends on one declares what it is."""

PINNED = re.compile(r"v?\d+(\.\d+)+([-+.\w]*)|.*sha256:[0-9a-f]{64}")
"""A version that can only be one."""

_UNLISTED = (
    "no list of images that can be read names it (Docker with the containerd store and Docker Desktop keep none)"
)
_FETCHED = frozenset({Kind.NPM, Kind.PYPI, Kind.OCI, Kind.NUGET, Kind.JSR, Kind.GO})
_NOT_FETCHED = (".", "/", "~", "file:", "link:")


def overriding(names: Iterable[str]) -> dict[str, str]:
    """Return which of `names` change what runs, each with what it changes, in words."""
    return {name: _VARIABLES[name.upper()] for name in sorted(names) if name.upper() in _VARIABLES}


def bending(names: Iterable[str]) -> dict[str, str]:
    """Return which variables of a running process are no part of an ordinary session, each with what it changes.

    npm hands its own settings on to what it starts, as variables.
    """
    return {
        name: what for name, what in overriding(names).items() if name not in _USUAL and not name.startswith("npm_")
    }


def purl(kind: str, package: str, version: str | None) -> str:
    """Return the package URL (purl specification): scope's `@` escaped, the version or digest behind an `@`."""
    version = version.replace(":", "%3A") if version else None
    return f"pkg:{kind}/{package.replace('@', '%40')}" + (f"@{version}" if version else "")


def unpinned(found: Launch) -> str | None:
    """Return the package of which `found` starts whatever version is newest; None where the version or digest is said.

    An image is pinned by a tag that is a version, too: who moves such a tag breaks a promise.
    """
    fetches = found.launcher is not None or found.kind is Kind.OCI
    if not fetches or found.kind not in _FETCHED or found.package is None or found.store is not None:
        return None
    if found.package.startswith(_NOT_FETCHED) or (found.version is not None and PINNED.fullmatch(found.version)):
        return None
    return found.package


class Unhashed(StrEnum):
    """Why there is no digest of a program."""

    NOT_YET = "not hashed yet"
    TOO_LARGE = "too large to be hashed"
    SUPERSEDED = "what runs was replaced or deleted on disk before it could be hashed"
    UNREADABLE = "its user may not read it, or it is gone"


@dataclass(frozen=True, slots=True)
class InsteadOf:
    """A path in administrators' hands that a program in its user's hands takes the place of.

    `by_link`: the path leads to the program; else the program is found first by the same name, and `sha256` is the digest of what
    stands at `path`, `unhashed` why there is none. `overdue` says that nobody waits any longer for the digests of the two.
    """

    path: str
    by_link: bool
    sha256: str | None = None
    unhashed: Unhashed | None = None
    overdue: bool = False


@dataclass(frozen=True, slots=True)
class Artifact:
    """What was found out about a running server; None where it was not.

    `program` is the file that decides: the script, or the executable where there is none; `named` how it was called where that
    leads to it by a link. `integrity` is the package manager's own digest of the package, or an engine's of the image. `writable`
    says that the user whose process it is can change the file or put another in its place. `declares` is what of its metadata
    says that the package is an MCP server. `recorded` is the digest that the program had when its package was installed.
    `unhashed` says why there is no digest, `unlisted` that no readable list of images names its image.
    `instead_of` is what of administrators it takes the place of.
    """

    program: str | None = None
    executable: str | None = None
    package: str | None = None
    version: str | None = None
    integrity: str | None = None
    sha256: str | None = None
    owner: str | None = None
    writable: bool | None = None
    purl: str | None = None
    variables: tuple[str, ...] = ()
    named: str | None = None
    declares: str | None = None
    recorded: str | None = None
    unhashed: Unhashed | None = None
    unlisted: bool = False
    instead_of: InsteadOf | None = None

    @property
    def altered(self) -> bool:
        """True where the program is not as its package installed it."""
        return self.recorded is not None and self.sha256 is not None and self.recorded != self.sha256

    @property
    def settled(self) -> bool:
        """False where a digest is still to come that says whether the program is another one."""
        return self.copies is not None and (self.recorded is None or self.unhashed is not Unhashed.NOT_YET)

    @property
    def copies(self) -> bool | None:
        """True where it is, byte for byte, what it takes the place of; None where that will be known soon."""
        instead = self.instead_of
        if instead is None or instead.by_link:
            return False
        if not instead.overdue and Unhashed.NOT_YET in (self.unhashed, instead.unhashed):
            return None
        return self.sha256 is not None and self.sha256 == instead.sha256

    @property
    def row(self) -> dict[str, str]:
        """The artifact for the published document: what is known, as text."""
        texts = {
            "name": self.package,
            "version": self.version,
            "purl": self.purl,
            "integrity": self.integrity,
            "program": None if self.program is None else redact_name(self.program),
            "executable": None if self.executable is None else redact_name(self.executable),
            "sha256": self.sha256,
            "owner": self.owner,
            "writable_by_user": None if self.writable is None else str(self.writable).lower(),
            "variables": ", ".join(self.variables) or None,
            "named": None if self.named is None else redact_name(self.named),
            "declares": self.declares,
            "instead_of": None if self.instead_of is None else redact_name(self.instead_of.path),
            "instead_of_sha256": None if self.instead_of is None else self.instead_of.sha256,
            "as_installed": str(not self.altered).lower() if self.recorded and self.sha256 else None,
            "sha256_missing": None if self.unhashed is None else self.unhashed.value,
            "image_missing": _UNLISTED if self.unlisted else None,
        }
        return {name: text for name, text in texts.items() if text is not None}

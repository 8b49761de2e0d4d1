"""The signs by which a stdio MCP server shows, what each weighs, and what the sum means."""

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from agent.core.launcher_tables import Kind
from agent.core.launchers import BRIDGES, Launch
from agent.core.wrappers import SHELLS


class Confidence(StrEnum):
    """How sure the recognition is. Only `HIGH` and `MEDIUM` rest on a sign that is MCP's own."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Sign(StrEnum):
    """What can be seen of a process that is, or is not, an MCP server."""

    ENTRY = "entry"  # it is what a configured entry yields
    CLIENT = "client"  # a known client started it
    WIRE = "wire"  # two descriptors of its own lead to its parent
    MARK = "mark"  # its environment holds what that client sets
    LAUNCHER = "launcher"  # a package launcher runs it, or it lies in a package store
    DECLARED = "declared"  # a package or command that is known to be an MCP server
    SDK = "sdk"  # the metadata of its package says so: a dependency on an MCP SDK, an `mcpName`
    NAME = "name"  # a name that speaks of MCP: a hint, no more
    NO_WIRE = "no-wire"  # nothing of its own leads to its parent
    ORDINARY = "ordinary"  # a tool that clients and editors start all day
    EDITOR = "editor"  # the client starts language servers over stdio too
    SHELL = "shell"  # a shell with more than one plain command, not wired: a tool call
    TERMINAL = "terminal"  # typed into an interactive shell


POINTS: Mapping[Sign, int] = MappingProxyType(
    {
        Sign.ENTRY: 5,
        Sign.CLIENT: 2,
        Sign.WIRE: 4,
        Sign.MARK: 1,
        Sign.LAUNCHER: 1,
        Sign.DECLARED: 2,
        Sign.SDK: 2,
        Sign.NAME: 1,
        Sign.NO_WIRE: -4,
        Sign.ORDINARY: -6,
        Sign.EDITOR: -2,
        Sign.SHELL: -2,
        Sign.TERMINAL: -4,
    },
)
THRESHOLD, MEDIUM_FROM, HIGH_FROM = 5, 6, 8
MCPS_OWN = frozenset({Sign.ENTRY, Sign.DECLARED, Sign.SDK, Sign.NAME})
SETTLED_AFTER_S = 5.0
"""Without a sign that is MCP's own, a process must have lived this long: clients start many helpers that end at once."""


def judge(signs: frozenset[Sign], age_s: float | None) -> Confidence | None:
    """Return how sure it is that a process with these signs is a server, None where it is not taken for one."""
    points = sum(POINTS[sign] for sign in signs)
    own = signs & MCPS_OWN
    if points < THRESHOLD or not (own or _could_be_anonymous(signs, age_s)):
        return None
    if not own or points < MEDIUM_FROM:
        return Confidence.LOW
    return Confidence.HIGH if points >= HIGH_FROM and Sign.CLIENT in signs else Confidence.MEDIUM


def _could_be_anonymous(signs: frozenset[Sign], age_s: float | None) -> bool:
    """Without a sign of MCP's own, only what an agent (not an editor) has kept running counts."""
    settled = age_s is None or age_s >= SETTLED_AFTER_S
    return settled and Sign.CLIENT in signs and Sign.EDITOR not in signs


_WORDS = re.compile(r"[^a-z0-9]+")
_NAMES = frozenset({"mcp", "mcpserver", "modelcontextprotocol"})
_SERVES = (("mcp", "serve"), ("mcp", "start"), ("mcp", "gateway"), ("mcp-server",), ("mcp-serve",))
_DECLARED_SCOPES = ("@modelcontextprotocol/server-", "@modelcontextprotocol/mcp-server-", "mcp/")


def serves(found: Launch) -> bool:
    """True for a program's own server mode: `claude mcp serve`, `codex mcp-server`, `docker mcp gateway run`."""
    words = tuple(word for word in found.args[:3] if not word.startswith("-"))
    return any(words[: len(mode)] == mode for mode in _SERVES)


def declared(found: Launch) -> bool:
    """True where the package is known to be an MCP server: the reference servers' scope, bridges, server modes."""
    package = found.package or ""
    return serves(found) or package.startswith(_DECLARED_SCOPES) or bool(BRIDGES & {package, found.program})


def named(found: Launch) -> bool:
    """True where the name of the package, module or program, or its first argument, speaks of MCP."""
    names = [found.package or "", found.program, *(word for word in found.args[:1] if word in ("mcp", "mcp-server"))]
    return any(_NAMES.intersection(_WORDS.split(name.lower())) for name in names if found.kind is not Kind.INLINE)


_ORDINARY = frozenset(
    word
    for line in (
        "git git-remote-https git-credential-manager gh glab hg svn ssh ssh-agent scp rsync curl wget rg ripgrep",
        "grep ag fd find fzf ls cat head tail less more sed awk jq sleep ps which whoami uname hostname id env",
        "tee xargs sort wc cut tr diff patch make cmake ninja gradle gradlew mvn bazel cargo rustc rustup go",
        "gofmt gcc g++ cc clang ld tsc esbuild vite webpack rollup turbo nx next jest vitest mocha playwright",
        "cypress pytest py.test unittest tox nox coverage ruff black flake8 mypy pylint isort eslint prettier",
        "biome stylelint rubocop clangd gopls rust-analyzer pyright basedpyright pylance pylsp jedi tsserver",
        "tsserver.js typescript-language-server omnisharp jdtls metals zls sourcekit-lsp lua-language-server",
        "solargraph ruby-lsp intelephense texlab marksman taplo terraform terraform-ls helm kubectl aws gcloud az",
        "node-gyp pip pip3 poetry uv npm yarn pnpm brew apt dpkg security osascript defaults pbcopy pbpaste xclip",
        "xsel wl-copy powershell pwsh tmux screen vim nvim nano emacs code open xdg-open docker-compose watchman",
        "fsmonitor debugpy dlv lldb gdb lldb-dap ffmpeg chrome chromium cpuusage.sh winpty-agent conhost sqlite3",
        "psql redis-cli http-server serve nodemon ts-node-dev",
        "ty pyrefly zuban vtsls svelteserver astro-ls fsautocomplete csharp-ls ocamllsp nil nixd tinymist ccls",
    )
    for word in line.split()
)
_ORDINARY_WORDS = frozenset({"lsp", "langserver", "languageserver", "tsserver", "eslintserver", "ls"})
_LANGUAGE_MODES = frozenset({"lsp", "lsp-proxy", "lsp-server", "language-server"})
_ORDINARY_OPTIONS = frozenset({"--node-ipc", "--usenodeipc", "--clientprocessid", "--usenodeipc=true", "--lsp"})


def ordinary(found: Launch) -> bool:
    """True for tools that clients and editors start all day: version control, search, tests, language servers."""
    if serves(found) or (found.args[:1] and found.args[0] in ("mcp", "mcp-server")):
        return False
    names = {(found.package or "").rsplit("/", 1)[-1].lower(), found.program.lower()}
    if names & (_ORDINARY | SHELLS):
        return True
    if named(found):
        return False  # an MCP server may well be about language servers, and be given one
    words = {word for name in names for word in _WORDS.split(name)}
    return (
        bool(words & _ORDINARY_WORDS)
        or {"language", "server"} <= words
        or bool(_LANGUAGE_MODES.intersection(found.args[:1]))
        or any(arg.lower().split("=")[0] in _ORDINARY_OPTIONS for arg in found.args)
    )

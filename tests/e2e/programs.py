"""The real clients and the real servers, installed once below `.scratch` at the versions in `package.json`.

Nothing has a network later: what npx and uvx would fetch is put into caches of theirs, which the laptops get.
"""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.machine import ANN, CHECKOUT, HOME, Machine

_PINNED = Path(__file__).with_name("package.json")
_VERSIONS: dict[str, str] = json.loads(_PINNED.read_text())["dependencies"]
_CLAUDE_CODE = "@anthropic-ai/claude-code"
_EVERYTHING = "@modelcontextprotocol/server-everything"
_SCRATCH = CHECKOUT / ".scratch"
_LONGEST_INSTALL_S = 600.0

CLAUDE_VERSION = _VERSIONS[_CLAUDE_CODE]
EVERYTHING = ("npx", "-y", f"{_EVERYTHING}@{_VERSIONS[_EVERYTHING]}")
"""How a user configures the reference server."""

_TIME_VERSION = next(
    line.split()[0].partition("==")[2]
    for line in (CHECKOUT / "requirements/e2e.txt").read_text().splitlines()
    if line.startswith("mcp-server-time==")
)
PYTHON = CHECKOUT / ".venv/e2e/bin/python"
TIME = (str(CHECKOUT / ".venv/e2e/bin/mcp-server-time"), "--local-timezone", "UTC")
"""A Python server, as the script that pip installs."""

UVX_TIME = (str(CHECKOUT / ".venv/bin/uvx"), f"mcp-server-time@{_TIME_VERSION}", "--local-timezone", "UTC")
"""The same server, as uvx runs it."""

_MODULES = f"{HOME}/.npm-global/lib/node_modules"
CLAUDE = f"{_MODULES}/.bin/claude"
"""Where ann has the client: npm's own prefix in her home."""


def program(name: str) -> str:
    """Return where ann has another client."""
    return f"{_MODULES}/.bin/{name}"


@dataclass(frozen=True)
class Programs:
    """What the tests drive, as folders of the host: npm's modules, the caches of npx and uvx."""

    modules: Path
    npx_cache: Path
    uv_cache: Path

    def laptop(self, root: Path, *, own_processes: bool = True) -> Machine:
        """Return a new laptop on which ann has the client and has used npx before."""
        root.mkdir()
        machine = Machine(root, {_MODULES: self.modules}, own_processes=own_processes)
        manifest = f"{_CLAUDE_CODE}/package.json"  # for those who look at the tree from outside the namespace
        machine.write(f"{_MODULES}/{manifest}", (self.modules / manifest).read_bytes(), ANN)
        return machine

    def give_npx_cache(self, machine: Machine) -> None:
        """Let ann have what npx kept, and tell it to be content with that."""
        machine.write(f"{HOME}/.npmrc", "offline=true\n", ANN)
        _give(machine, self.npx_cache, f"{HOME}/.npm")

    def give_uv_cache(self, machine: Machine) -> None:
        """Let ann have what uvx kept, and tell it to be content with that."""
        machine.write(f"{HOME}/.config/uv/uv.toml", "offline = true\n", ANN)
        _give(machine, self.uv_cache, f"{HOME}/.cache/uv")


def _give(machine: Machine, cache: Path, path: str) -> None:
    machine.folder(str(Path(path).parent), ANN)
    shutil.copytree(cache, machine.at(path), symlinks=True)
    if ANN:
        for folder, names, files in os.walk(machine.at(path)):
            for name in (".", *names, *files):
                os.lchown(Path(folder, name), ANN, ANN)


def install() -> Programs:
    """Install what is not there yet.

    Raises:
        RuntimeError: it cannot be installed; the message says what is needed.
    """
    if shutil.which("npm") is None or shutil.which("npx") is None:
        raise RuntimeError("npm is missing: the end-to-end tests drive the real Claude Code (Debian: apt install npm)")
    if not PYTHON.exists():
        raise RuntimeError(f"{PYTHON} is missing: start these tests by `make e2e`, which makes it")
    return Programs(_modules(_SCRATCH / "npm"), _npx_cache(_SCRATCH / "npx"), _uv_cache(_SCRATCH / "uv"))


def _modules(folder: Path) -> Path:
    wanted = _PINNED.read_bytes()
    stamp = folder / "installed.json"
    if not stamp.exists() or stamp.read_bytes() != wanted:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_bytes(wanted)
        _fetch(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"], folder)
        stamp.write_bytes(wanted)
    return folder / "node_modules"


def _npx_cache(folder: Path) -> Path:
    wanted = " ".join(EVERYTHING)
    stamp = folder / "warmed.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        folder.mkdir(parents=True, exist_ok=True)
        _fetch([*EVERYTHING, "stdio"], folder, npm_config_cache=str(folder / "cache"))  # ends with its standard input
        stamp.write_text(wanted)
    return folder / "cache"


def _uv_cache(folder: Path) -> Path:
    wanted = " ".join(UVX_TIME)
    stamp = folder / "warmed.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        folder.mkdir(parents=True, exist_ok=True)
        _fetch([*UVX_TIME[:2], "--help"], folder, UV_CACHE_DIR=str(folder / "cache"))
        stamp.write_text(wanted)
    return folder / "cache"


def _fetch(command: list[str], folder: Path, **environment: str) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_LONGEST_INSTALL_S,
    )
    if done.returncode:
        raise RuntimeError(f"`{' '.join(command)}` failed, is the package registry reachable? {done.stderr[-2000:]}")

"""What of administrators a program in its user's hands takes the place of: found first by the same name, or led to by a link.

Asked once per server, where the user can change what runs. The folders are those in which systems look for programs; which of
them a process was told to look in (`PATH`) is not kept. What version managers and package managers keep for a user stands before
the system's on purpose. What npm and the managers of Python installed is known by its package, so that nobody asks here; what
asdf, mise, Volta, Homebrew and their like did, by where it lies.
"""

from collections.abc import Mapping, Sequence

from agent.core.artifact import InsteadOf
from agent.core.commandline import slashed
from agent.core.place import Facts, Os, User, pure_path
from agent.ports import Files
from agent.sources.permitting import may_write

_BIN = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_FOLDERS: Mapping[Os, Sequence[str]] = {"linux": (*_BIN, "/snap/bin"), "macos": _BIN, "windows": ()}
_MANAGED = (
    *(".asdf", ".volta", ".rbenv", ".proto", ".sdkman", ".goenv", ".pyenv/shims", ".nodenv/shims"),
    *(".bun", ".deno", ".cargo", ".dotnet", ".nix-profile", ".linuxbrew", "homebrew", "linuxbrew", "Cellar", "go/bin"),
    *("share/mise", "share/rtx", "share/pnpm", "node/corepack", "miniconda3", "miniforge3", "anaconda3", ".conda"),
)
"""Parts of paths at which such managers keep programs that no metadata known here tells of.

Those that keep packages of npm and PyPI alone are none of them (nvm, fnm, n, nodenv, pyenv, rye, uv, pipx, virtual environments,
`node_modules`): what they installed is known by its package, and a program there that is of none is nothing that they installed.
"""


def instead_of(files: Files, program: str, called: str, user: User) -> InsteadOf | None:
    """Return what of administrators `program`, which its user can change, stands for; `called` is how it was named."""
    path, home = slashed(program), slashed(user.home).rstrip("/")
    if files.os == "windows" or any(f"/{part}/" in path for part in _MANAGED):
        return None
    name = pure_path(files.os, called).name
    places = [called] if called.startswith("/") else []
    places += [f"{folder}/{name}" for folder in _FOLDERS[files.os] if f"{folder}/{name}" not in places]
    for place in places:
        access = files.names(place, reader=user).access  # walks there and reads nothing
        if not access or access[-1].kind != "file":
            continue
        if not any(may_write(item, user) for item in _way(access)):
            if access[-1].path == program:
                linked = any(item.kind == "link" for item in access)
                return InsteadOf(place, by_link=True) if linked and path.startswith(f"{home}/") else None
            if not any(may_write(item, user) for item in access):
                return InsteadOf(place, by_link=False)
    return None


def _way(access: Sequence[Facts]) -> Sequence[Facts]:
    """Return what decides where the name leads first: the folders above, and the link or file that stands there."""
    last = next((place for place, item in enumerate(access) if item.kind == "link"), len(access) - 1)
    return access[: last + 1]

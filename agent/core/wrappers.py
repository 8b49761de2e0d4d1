"""Programs that only start another one: shells with a command, `env`, `timeout`, version managers, secret injectors.

One row per wrapper in `_WRAPPERS`: which options take a value, which words stand before the command, whether the command begins
only after `--` or stands in one text, whether a version may stand before it. Source: the manual page or `--help` of each program.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from agent.core.commandline import Argv, base_name, is_assignment, simple_command, windows_words

MAX_LAYERS = 8
_NODE_VERSION = re.compile(r"v?\d+(\.\d+)*|lts/\S+|node|stable|unstable|system|default")
"""What nvm takes for a version or an alias of one (nvm-sh/nvm, `nvm exec --help`)."""
SHELLS = frozenset({"sh", "bash", "zsh", "dash", "ksh", "mksh", "ash", "fish", "busybox"})


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """`argv` is what is started in the end; `wrappers` names what stood before it, outermost first.

    `opaque` is True where the innermost wrapper is a shell whose text is more than one plain command.
    """

    argv: Argv
    wrappers: tuple[str, ...] = ()
    opaque: bool = False


@dataclass(frozen=True, slots=True)
class _Wrapper:
    words: frozenset[str] = frozenset()
    valued: frozenset[str] = frozenset()
    command: frozenset[str] = frozenset()
    positionals: int = 0
    assignments: bool = False
    separator: bool = False
    text: frozenset[str] = frozenset()
    version: bool = False


def _row(  # noqa: PLR0913 - the columns of the table
    words: str = "",
    valued: str = "",
    command: str = "",
    positionals: int = 0,
    *,
    assignments: bool = False,
    separator: bool = False,
    text: str = "",
    version: bool = False,
) -> _Wrapper:
    return _Wrapper(
        frozenset(words.split()),
        frozenset(valued.split()),
        frozenset(command.split()),
        positionals,
        assignments,
        separator,
        frozenset(text.split()),
        version,
    )


_WRAPPERS = MappingProxyType(
    {
        "env": _row(valued="-u --unset -C --chdir", command="-S --split-string", assignments=True),
        "cross-env": _row(assignments=True),
        "sudo": _row(valued="-u -g -C -h -p -U -r -t -D -R -T --user --group", assignments=True),
        "doas": _row(valued="-u -C"),
        "nohup": _row(),
        "setsid": _row(),
        "time": _row(valued="-f -o --format --output"),
        "nice": _row(valued="-n --adjustment"),
        "ionice": _row(valued="-c -n -p"),
        "stdbuf": _row(valued="-i -o -e"),
        "unshare": _row(
            valued="-S --setuid -G --setgid -R --root -w --wd --map-user --map-group --map-users --map-groups --propagation"
        ),
        "timeout": _row(valued="-k -s --kill-after --signal", positionals=1),
        "caffeinate": _row(valued="-t -w"),
        "arch": _row(valued="-e"),
        "disclaimer": _row(),
        "mise": _row(words="exec x", text="-c --command", separator=True),
        "rtx": _row(words="exec x", text="-c --command", separator=True),
        "nvm": _row(words="exec", version=True),
        "nvm-exec": _row(),
        "n": _row(words="exec", positionals=1),
        "nodenv": _row(words="exec"),
        "asdf": _row(words="exec"),
        "pyenv": _row(words="exec"),
        "rbenv": _row(words="exec"),
        "volta": _row(words="run", valued="--node --npm --pnpm --yarn"),
        "fnm": _row(words="exec", valued="--using"),
        "direnv": _row(words="exec", positionals=1),
        "corepack": _row(),
        "poetry": _row(words="run", valued="-C --directory -P --project"),
        "pdm": _row(words="run", valued="-p --project"),
        "pipenv": _row(words="run"),
        "rye": _row(words="run"),
        "pixi": _row(words="run", valued="-e --environment --manifest-path"),
        "conda": _row(words="run", valued="-n -p --name --prefix --cwd"),
        "mamba": _row(words="run", valued="-n -p --name --prefix --cwd"),
        "micromamba": _row(words="run", valued="-n -p --name --prefix --cwd"),
        "op": _row(words="run", separator=True),
        "doppler": _row(words="run", separator=True),
        "infisical": _row(words="run", separator=True),
        "dotenv": _row(valued="-e -f --file", words="run"),
        "dotenvx": _row(words="run", separator=True),
        "wsl": _row(valued="-d --distribution -u --user --cd --shell-type"),
        "nix": _row(words="shell develop", command="-c --command"),
    },
)


def unwrap(argv: Sequence[str]) -> Unwrapped:
    """Return what `argv` starts once every wrapper is taken off; total, never raises."""
    inner: Argv = tuple(argv)
    wrappers: list[str] = []
    for _ in range(MAX_LAYERS):
        if not inner:
            break
        name = base_name(inner[0])
        step = _SPECIAL.get(name, _by_row)(inner)
        if step is None:
            break
        wrappers.append(name)
        if not step:
            return Unwrapped(inner, tuple(wrappers), opaque=True)
        inner = step
    return Unwrapped(inner, tuple(wrappers))


def _by_row(argv: Argv) -> Argv | None:
    wrapper = _WRAPPERS.get(base_name(argv[0]))
    if wrapper is None:
        return None
    rest = list(argv[1:])
    if wrapper.separator:
        text = _option_text(wrapper, rest)
        return _after_separator(wrapper, rest) if text is None else simple_command(text) or ()
    if wrapper.words:
        _drop_options(wrapper, rest)
        if not rest or rest.pop(0) not in wrapper.words:
            return None
    call = _drop_options(wrapper, rest)
    if call is not None:
        return call or None
    while rest and wrapper.assignments and is_assignment(rest[0]):
        rest.pop(0)
    if wrapper.version and rest and _NODE_VERSION.fullmatch(rest[0]):
        rest.pop(0)
    return tuple(rest[wrapper.positionals :]) or None


def _drop_options(wrapper: _Wrapper, rest: list[str]) -> Argv | None:
    """Take the options off the front of `rest`; return the command where an option holds it."""
    while rest and rest[0].startswith("-"):
        name, equals, value = rest.pop(0).partition("=")
        if name == "--":
            break
        if name in wrapper.command:
            return _command_option(name, value if equals else None, rest) or ()
        if name in wrapper.valued and not equals and rest:
            rest.pop(0)
    return None


def _command_option(name: str, value: str | None, rest: Sequence[str]) -> Argv | None:
    if name in ("-S", "--split-string"):
        words = simple_command(" ".join([*([value] if value else []), *rest]))
        return words or None
    return tuple(rest) or None


def _option_text(wrapper: _Wrapper, rest: Sequence[str]) -> str | None:
    """Return the command line that an option holds as one text, as `mise exec --command TEXT` has it."""
    if not wrapper.text or not wrapper.words.intersection(rest[:1]):
        return None
    for place, word in enumerate(rest):
        name, equals, value = word.partition("=")
        if word == "--":
            break
        if name in wrapper.text:
            return value if equals else "".join(rest[place + 1 : place + 2])
    return None


def _after_separator(wrapper: _Wrapper, rest: Sequence[str]) -> Argv | None:
    if "--" not in rest:
        return None
    cut = list(rest).index("--")
    words = [word for word in rest[:cut] if not word.startswith("-")]
    if wrapper.words and not wrapper.words.intersection(words[:1]):
        return None
    return tuple(rest[cut + 1 :]) or None


def _shell(argv: Argv) -> Argv | None:
    """`sh -c TEXT`, `bash -lc TEXT`; empty where the text is not one plain command, None where there is no text."""
    text = shell_text(argv)
    return None if text is None else simple_command(text) or ()


def shell_text(argv: Sequence[str]) -> str | None:
    """Return the command text of a shell started with `-c`, None for one that reads a file or a terminal."""
    rest = list(argv[1:])
    if base_name(argv[0]) == "busybox" and rest:
        rest.pop(0)
    given = False
    while rest:
        word = rest.pop(0)
        if word in ("-o", "+o", "-O", "+O") and rest:
            rest.pop(0)
        elif word.startswith(("-", "+")) and word not in ("-", "--"):
            given = given or (not word.startswith("--") and "c" in word[1:]) or word == "--command"
        else:
            return word if given else None
    return None


def _cmd(argv: Argv) -> Argv | None:
    """`cmd.exe /d /s /c "…"`: everything after `/c` is the command."""
    for position, word in enumerate(argv[1:], 1):
        if word.lower() in ("/c", "/k", "/r"):
            rest = argv[position + 1 :]
            if not rest:
                return None
            quoted = len(rest) == 1 or any(" " in word for word in rest)
            return windows_words(" ".join(rest).removeprefix('""').strip('"')) if quoted else rest
        if not word.startswith("/"):
            return None
    return None


_POWERSHELL_VALUED = frozenset({"-executionpolicy", "-ep", "-ex", "-version", "-windowstyle", "-w", "-outputformat"})


def _powershell(argv: Argv) -> Argv | None:
    """`powershell -NoProfile -Command TEXT` or `-File SCRIPT ARGS`."""
    rest = list(argv[1:])
    while rest:
        word = rest.pop(0)
        option = word.lower()
        if option in ("-command", "-c"):
            return windows_words(" ".join(rest).strip().removeprefix("&").strip()) if rest else None
        if option in ("-file", "-f"):
            return None
        if option in _POWERSHELL_VALUED and rest:
            rest.pop(0)
        elif not option.startswith("-"):
            return windows_words(" ".join([word, *rest]))
    return None


_SPECIAL: MappingProxyType[str, Callable[[Argv], Argv | None]] = MappingProxyType(
    {
        **dict.fromkeys(SHELLS, _shell),
        "cmd": _cmd,
        "powershell": _powershell,
        "pwsh": _powershell,
    },
)

"""Small facts about command lines that hold on every system: base names, shell words, Windows words.

Command lines are read, never run. Sources: POSIX shell command language (words, quoting), `cmd.exe /?`,
`about_powershell_exe`.
"""

import re
import shlex
from collections.abc import Sequence

Argv = tuple[str, ...]

_PROGRAM_SUFFIX = re.compile(r"\.(?:exe|cmd|bat|ps1|com)$", re.IGNORECASE)
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=", re.ASCII)
_WINDOWS_PROGRAM = re.compile(r"""^"?(?P<program>[^"]*?\.(?:exe|cmd|bat|ps1))"?(?=\s|$)""", re.IGNORECASE)
_WINDOWS_WORD = re.compile(r'(?:[^\s"]+|"[^"]*"?)+')
_OPERATOR = re.compile(r"[();<>|&]+")
_SUBSTITUTION = re.compile(r"\$\(|`|\$\{?!")
_LOADER = re.compile(r"ld(?:64)?(?:-linux[\w-]*|-musl-[\w-]+|-[\d.]+)?\.so(?:\.\d)?")
_LOADER_VALUED = frozenset(
    f"--{name}"
    for name in [
        "library-path",
        "inhibit-rpath",
        "audit",
        "preload",
        "argv0",
        "glibc-hwcaps-prepend",
        "glibc-hwcaps-mask",
    ]
)
_RUNTIME = re.compile(r"(?:python|pypy|ruby|perl|php)[\d.]*w?t?|node(?:js)?")
_REDIRECTIONS = frozenset({">", ">>", "<", ">&", "<&", "&>", "&>>", ">|"})
_LONGEST = 16 * 1024
"""Characters of shell text: it is split in pure Python."""
_SEQUENCE = frozenset({"&&", ";"})
_PREAMBLE = frozenset({"cd", "source", ".", "export", "set", "umask", "ulimit", "unset", "true", "pushd", "shopt"})


def slashed(path: str) -> str:
    """Return `path` with forward slashes, so that one pattern fits every system."""
    return path.replace("\\", "/")


def base_name(path: str) -> str:
    """Return the last component of a program's path in either spelling, without `.exe` and its like, in lower case.

    The dash that marks a login shell (`-bash`) is left out too.
    """
    return _PROGRAM_SUFFIX.sub("", slashed(path).rstrip("/").rsplit("/", 1)[-1]).lower().removeprefix("-")


def is_loader(path: str) -> bool:
    """True for the dynamic loader of a C library, which starts the program that it is given in its own process (ld.so(8))."""
    return _LOADER.fullmatch(base_name(path)) is not None


def honest(exe: str | None, command: Argv) -> Argv:
    """Return the command line as what runs bears it out: its first word is a claim of whoever started it.

    `exec -a git node server.js` is Node, and `ld.so node server.js` too. A title written over a command line is one word.
    """
    if exe is not None and is_loader(exe) and command:
        rest = list(command[1:])
        while rest and rest[0].startswith("--"):
            del rest[: 2 if rest[0] in _LOADER_VALUED else 1]
        return tuple(rest) or command
    claimed = (
        exe is not None and len(command) > 1 and bool(command[1]) and not _RUNTIME.fullmatch(base_name(command[0]))
    )
    return (exe, *command[1:]) if claimed and exe is not None and _RUNTIME.fullmatch(base_name(exe)) else command


def is_assignment(word: str) -> bool:
    """True for `NAME=value`."""
    return _ASSIGNMENT.match(word) is not None


def simple_command(text: str) -> Argv | None:
    """Return the one command that the shell text runs, or None where it is not one plain command.

    Steps that only prepare (`cd`, `source`, `export` …), assignments, `exec` and redirections are left out. Pipes,
    substitutions, conditions and several commands give None, and so does a text that is longer than any one command.
    """
    if len(text) > _LONGEST or _SUBSTITUTION.search(text):
        return None
    lexer = shlex.shlex(text.replace("\n", " ; "), posix=True, punctuation_chars=True)
    lexer.commenters = ""
    lexer.whitespace_split = True
    try:
        steps = _steps(list(lexer))
    except ValueError:
        return None
    if steps is None:
        return None
    commands = [command for step in steps if (command := _bare(step)) and command[0] not in _PREAMBLE]
    return commands[0] if len(commands) == 1 else None


def _steps(words: Sequence[str]) -> list[list[str]] | None:
    steps: list[list[str]] = [[]]
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word in _SEQUENCE:
            steps.append([])
        elif word in _REDIRECTIONS:
            skip = True
            if steps[-1] and steps[-1][-1].isdigit():
                steps[-1].pop()
        elif _OPERATOR.fullmatch(word):
            return None
        else:
            steps[-1].append(word)
    return steps


def _bare(step: Sequence[str]) -> Argv:
    words = list(step)
    while words and (is_assignment(words[0]) or words[0] == "exec"):
        words.pop(0)
    return tuple(words)


def windows_words(text: str) -> Argv:
    """Return the words of a Windows command line, with its program whole even where the quotes around it are lost."""
    text = text.strip().replace("^", "")
    program = _WINDOWS_PROGRAM.match(text)
    head: Argv = (program["program"],) if program else ()
    rest = text[program.end() :] if program else text
    return head + tuple(word.replace('"', "") for word in _WINDOWS_WORD.findall(rest))

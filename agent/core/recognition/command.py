"""What the process table tells about the command that a host gave."""

from agent.core.commandline import Argv, base_name
from agent.core.launcher_tables import FORMS, Kind
from agent.core.launchers import Launch
from agent.core.observation import Process


def installed(found: Launch, process: Process) -> bool:
    """True for a module, or a script that lies beside the interpreter that runs it: what an installed package offers."""
    command = process.command or ()
    if found.kind is Kind.MODULE:
        return True
    if found.kind is not Kind.SCRIPT or not found.path or not command or "/" not in found.path:
        return False
    return command[0] != found.path and command[0].rsplit("/", 1)[0] == found.path.rsplit("/", 1)[0]


def spellings(process: Process, found: Launch | None) -> tuple[Argv, ...]:
    """Return the commands that would look like this in the process table, the likeliest first; at least one.

    npm's title has dropped `-y` and the name of the launcher; a script that was started through its `#!` line shows its
    interpreter. A rule that compares words has to be asked about each.
    """
    command = process.command or ()
    if found is None or not command:
        return (command,)
    if found.retitled:
        rest = (*found.specs, *found.args)
        return tuple((*head, *rest) for head in _NPX_HEADS)
    if found.launcher is not None and (typed := _launcher_words(found.launcher, command)):
        return typed
    if found.wrappers[:1] == ("disclaimer",):
        start = next((place for place, word in enumerate(command[1:], 1) if not word.startswith("-")), len(command))
        return (command[start:],)
    if found.kind is not Kind.PROGRAM and found.path is not None and command[1:2] == (found.path,):
        return _script_spellings(process, found, command)
    return (command,)


_NPX_HEADS = (("npx", "-y"), ("npx",), ("npx", "--yes"), ("npm", "exec", "-y"), ("npm", "exec"))


def _launcher_words(launcher: str, command: Argv) -> tuple[Argv, ...]:
    """Return what was typed for a launcher that shows as something else: `node /usr/bin/npx x` was `npx x`; else nothing."""
    if launcher == "uvx" and base_name(command[0]) == "uv" and command[1:3] == ("tool", "uvx"):
        return (("uvx", *command[3:]), (f"{command[0]}x", *command[3:]))
    name = base_name(command[1]).removesuffix(".js").removesuffix("-cli") if command[1:] else ""
    if name not in FORMS or base_name(command[0]) in FORMS:
        return ()
    return ((name, *command[2:]), command[1:], command)


def _script_spellings(process: Process, found: Launch, command: Argv) -> tuple[Argv, ...]:
    """Linux names a process after the file that was executed: after the script where its `#!` line was used."""
    name = process.name.lower()
    by_shebang = bool(name) and found.program.startswith(name) and not base_name(command[0]).startswith(name)
    return (command[1:], command) if by_shebang else (command, command[1:])

"""Running clients that were started so that the managed policy of that very client does not bind them.

What each takes out of force: `agent.core.policy.others`, by documentation and source of the client.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from agent.core.assess.results import deviation, of_user
from agent.core.deviation import Deviation, Evidence
from agent.core.observation import DocumentKind, ManagedLook, Process, Scope
from agent.core.place import Data


@dataclass(frozen=True, slots=True)
class _Escape:
    """An option, or a variable that names another file, which takes the managed files of these kinds out of force."""

    kinds: frozenset[DocumentKind]
    options: frozenset[str]
    variables: frozenset[str]


_ESCAPES = {
    "gemini-cli": _Escape(
        frozenset({DocumentKind.GEMINI_SYSTEM}),
        frozenset({"--allowed-mcp-server-names"}),
        frozenset({"GEMINI_CLI_SYSTEM_SETTINGS_PATH"}),
    ),
}


def unbound_deviations(
    managed: ManagedLook, processes: Sequence[Process], client_of: Callable[[Process], str | None]
) -> Iterator[Deviation]:
    """Yield one deviation for each user and way in which a client runs unbound; `client_of` tells which client a process is."""
    told: set[str] = set()
    for client, escape in _ESCAPES.items():
        files = [item.path for item in managed.others if item.kind in escape.kinds and isinstance(item.content, Data)]
        for process in processes if files else ():
            by = _by(process, escape, files)
            subject = f"{client} of {process.user or 'unknown user'} started with {by}"
            if by is None or subject in told or client_of(process) != client:
                continue
            told.add(subject)
            yield deviation(
                "policy.not-effective",
                subject=subject,
                label=of_user(process.user, f"{client} (pid {process.pid})"),
                text=f"A running {client} was started with {by}, so that {files[0]} does not bind it.",
                user=process.user,
                client=client,
                evidence=[Evidence("file", files[0]), Evidence("process", f"pid {process.pid}")],
                depends=(Scope("process"), Scope("managed")),
                remediation="Find out who started it so, and have it started without that.",
            )


def _by(process: Process, escape: _Escape, files: Sequence[str]) -> str | None:
    options = (word.partition("=")[0] for word in (process.command or ())[1:])
    option = next((name for name in options if name in escape.options), None)
    moved = (name for name, path in process.moves if name in escape.variables and path not in files)
    return option or next(moved, None)

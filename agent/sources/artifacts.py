"""What running servers really are: the file that decides, its digest, its package and version, who can change it.

Files are read on behalf of the process's user, once per process; a digest that is still missing is asked for again at each look.
Nothing of a file but its digest and what its package's metadata declares, and nothing of a variable but its name, is kept.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from agent.core.artifact import Artifact, Unhashed, purl
from agent.core.launcher_tables import Kind
from agent.core.launchers import Launch, launch
from agent.core.observation import Process
from agent.core.place import Data, User, pure_path
from agent.core.recognition import ClientMarks
from agent.core.recognition.triage import Role, Triage
from agent.ports import Files, Users
from agent.sources.digests import Digests
from agent.sources.images import Images
from agent.sources.packages import Packages
from agent.sources.permitting import may_write
from agent.sources.shadowing import instead_of

MOST_FRESH = 200
"""Processes that one look takes up anew; what it leaves over the next one takes."""

HASHED_WITHIN_S = 120.0
"""Who keeps the hashing busy for longer with other files does not keep a substitute from being told."""

_LONGEST_CHAIN = 16
_NAMED = frozenset({Kind.PROGRAM, Kind.SCRIPT})
"""What is called by a name that may mean different files."""

_Key = tuple[int, float, int]


def _no_words() -> frozenset[str]:
    return frozenset()


class Artifacts:
    """Finds them; remembers what each process is for as long as it runs.

    `words` returns those by which configured servers go: what one of them yields is inspected whoever started it.
    """

    def __init__(
        self,
        files: Files,
        users: Users,
        clients: Sequence[ClientMarks],
        digests: Digests,
        words: Callable[[], frozenset[str]] = _no_words,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._files, self._users, self._digests = files, users, digests
        self._packages, self._images = Packages(files), Images(files)
        self._clients, self._words, self._by = clients, words, frozenset[str]()
        self._triage = Triage(clients)
        self._known: dict[_Key, Artifact | None] = {}
        self._clock = clock
        self._unhashed_since: dict[_Key, float] = {}

    def of(self, processes: Sequence[Process], *, read: bool) -> Mapping[tuple[int, float], Artifact]:
        """Return what is known, by the identity of the process; with `read`, find out what is not."""
        keys = {(*process.identity, process.image): process for process in processes}
        self._known = {key: found for key, found in self._known.items() if key in keys}
        if read:
            self._expect(self._words())
            self._digests.look()
            self._find(keys, processes)
        return {key[:2]: found for key, found in self._known.items() if found is not None}

    def _expect(self, words: frozenset[str]) -> None:
        """Judge anew what did not matter, where other words count now."""
        if words != self._by:
            self._by, self._triage = words, Triage(self._clients, words)
            self._known = {key: found for key, found in self._known.items() if found is not None}

    def _find(self, keys: Mapping[_Key, Process], processes: Sequence[Process]) -> None:
        fresh = [process for key, process in keys.items() if key not in self._known]
        unhashed = [(key, found) for key, found in self._known.items() if found is not None and _incomplete(found)]
        now = self._clock()
        self._unhashed_since = {key: self._unhashed_since.get(key, now) for key, _ in unhashed}
        if not fresh and not unhashed:
            return
        users = {user.name: user for user in self._users.users()}
        for key, artifact in unhashed:
            user = users.get(keys[key].user or "")
            if user is not None and artifact.program is not None:
                waited_s = now - self._unhashed_since[key]
                self._known[key] = self._compared(self._hashed(artifact, artifact.program, user), user, waited_s)
        role = _roles(processes, self._triage)
        left = MOST_FRESH
        for process in fresh:
            command = process.command or ()
            found = launch(command)
            matters, own = self._triage.judge(command, role(process.ppid or 0))
            known = None
            if found is not None and matters and own is not Role.CLIENT and not found.passes_on:
                if left <= 0:
                    return
                left -= 1
                known = self._inspect(process, found, users.get(process.user or ""))
            self._known[(*process.identity, process.image)] = known

    def _inspect(self, process: Process, found: Launch, user: User | None) -> Artifact:
        program = process.exe
        if found.path is not None and not found.bare and process.cwd is not None:
            program = str(pure_path(self._files.os, process.cwd) / found.path)
        variables = tuple(sorted(process.overrides or ()))
        artifact = Artifact(program, process.exe, found.package, found.version, variables=variables)
        if program is None or user is None:
            return artifact
        artifact = self._of_file(artifact, program, user)
        if found.kind is Kind.OCI and found.package is not None:
            return self._of_image(artifact, found.package, found.version, user)
        if artifact.owner is None:
            return artifact
        called = _interpreter(process) if found.kind is Kind.MODULE else artifact.program or program
        artifact = self._packages.named(artifact, called, found.program, user)
        if artifact.program is None or artifact.purl is not None or not artifact.writable or found.kind not in _NAMED:
            return artifact
        instead = instead_of(self._files, artifact.program, found.path or program, user)
        return self._compared(replace(artifact, instead_of=instead), user)

    def _hashed(self, artifact: Artifact, program: str, user: User) -> Artifact:
        if artifact.sha256 is not None:
            return artifact
        digest = self._digests.of(program, user)
        return replace(artifact, sha256=digest.sha256, unhashed=digest.missing)

    def _compared(self, artifact: Artifact, user: User, waited_s: float = 0.0) -> Artifact:
        """Add the digest of the program that it takes the place of: a copy of that is no other program."""
        instead = artifact.instead_of
        if instead is None or instead.by_link:
            return artifact
        if instead.sha256 is None:
            digest = self._digests.of(instead.path, user)
            instead = replace(instead, sha256=digest.sha256, unhashed=digest.missing)
        overdue = waited_s >= HASHED_WITHIN_S or not self._digests.goes_on
        return replace(artifact, instead_of=replace(instead, overdue=overdue))

    def _of_file(self, artifact: Artifact, program: str, user: User) -> Artifact:
        digest = self._digests.of(program, user)
        artifact = replace(artifact, sha256=digest.sha256, unhashed=digest.missing)
        if not isinstance(digest.content, Data):
            return artifact
        facts = digest.content.facts
        return replace(
            artifact,
            program=facts.path,
            named=program if program != facts.path else None,
            owner=user.name if facts.uid == user.uid else ("root" if facts.uid == 0 else f"uid {facts.uid}"),
            writable=any(may_write(item, user) for item in digest.content.access),
        )

    def _of_image(self, artifact: Artifact, package: str, version: str | None, user: User) -> Artifact:
        digest = self._images.digest(package, version, user)
        if digest is None:
            return replace(artifact, unlisted=True)
        return replace(artifact, integrity=digest, purl=purl("oci", package.rsplit("/", 1)[-1], digest))


def _incomplete(artifact: Artifact) -> bool:
    instead = artifact.instead_of
    return artifact.sha256 is None or (instead is not None and instead.unhashed is Unhashed.NOT_YET)


def _interpreter(process: Process) -> str:
    """Return the interpreter as it was called: a virtual environment is told by that, not by where its link leads."""
    called = (process.command or ("",))[0]
    return called if "/" in called or "\\" in called else process.exe or ""


def _roles(processes: Sequence[Process], triage: Triage) -> Callable[[int], Role]:
    """Return what tells the role of a process by its pid: launchers hand a client's wire on through each other."""
    by_pid = {process.pid: process for process in processes}
    known: dict[int, Role] = {}

    def role(pid: int, deeper: int = _LONGEST_CHAIN) -> Role:
        process = by_pid.get(pid)
        if process is None or deeper == 0:
            return Role.NONE
        if pid not in known:
            found = triage.role(process)
            if found is Role.NONE and process.command and process.ppid != pid:
                _, found = triage.judge(process.command, role(process.ppid or 0, deeper - 1))
            known[pid] = found
        return known[pid]

    return role

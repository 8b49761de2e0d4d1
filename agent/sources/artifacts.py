"""What running servers really are: the file that decides, its digest, its package and version, who can change it.

Files are read on behalf of the process's user, once per process, a bounded number of bytes per look; what a look leaves over the
next one reads. Nothing of a file but its digest, and nothing of a variable but its name, is kept.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from agent.core.artifact import Artifact, purl
from agent.core.launchers import Launch, launch
from agent.core.observation import Process
from agent.core.place import Data, Facts, Names, User, pure_path
from agent.core.recognition import ClientMarks
from agent.core.recognition.triage import Role, Triage
from agent.ports import Files, Users

MOST_BYTES = 64 << 20
"""What one look reads before it leaves the rest to the next."""

_PACKAGE = re.compile(r"^(?P<root>.*)/node_modules/(?P<package>(?:@[^/]+/)?[^/]+)/")
_DIST_INFO = re.compile(r"(?P<name>.+)-(?P<version>[^-]+)\.dist-info")
_Key = tuple[int, float, int]


class Artifacts:
    """Finds them; remembers what each process is for as long as it runs."""

    def __init__(self, files: Files, users: Users, clients: Sequence[ClientMarks]) -> None:
        self._files, self._users = files, users
        self._triage = Triage(clients)
        self._known: dict[_Key, Artifact | None] = {}

    def of(self, processes: Sequence[Process], *, read: bool) -> Mapping[tuple[int, float], Artifact]:
        """Return what is known, by the identity of the process; with `read`, find out what is not."""
        keys = {(*process.identity, process.image): process for process in processes}
        self._known = {key: found for key, found in self._known.items() if key in keys}
        if read:
            self._find([process for key, process in keys.items() if key not in self._known], processes)
        return {key[:2]: found for key, found in self._known.items() if found is not None}

    def _find(self, fresh: Sequence[Process], processes: Sequence[Process]) -> None:
        by_pid = {process.pid: process for process in processes}
        users = {user.name: user for user in self._users.users()} if fresh else {}
        left = MOST_BYTES
        for process in fresh:
            parent = by_pid.get(process.ppid or 0)
            role = self._triage.role(parent) if parent is not None else Role.NONE
            found = launch(process.command or ())
            matters, own = self._triage.judge(process.command or (), role)
            if found is None or not matters or own is Role.CLIENT or found.passes_on:
                self._known[(*process.identity, process.image)] = None
                continue
            if left <= 0:
                return
            artifact, taken = self._inspect(process, found, users.get(process.user or ""))
            self._known[(*process.identity, process.image)] = artifact
            left -= taken

    def _inspect(self, process: Process, found: Launch, user: User | None) -> tuple[Artifact, int]:
        program = process.exe
        if found.path is not None and not found.bare and process.cwd is not None:
            program = str(pure_path(self._files.os, process.cwd) / found.path)
        variables = tuple(sorted(process.overrides or ()))
        artifact = Artifact(program, process.exe, found.package, found.version, variables=variables)
        if program is None or user is None:
            return artifact, 0
        content = self._files.read(program, reader=user)
        if not isinstance(content, Data):
            return artifact, 0
        facts = content.facts
        artifact = replace(
            artifact,
            program=facts.path,
            sha256=hashlib.sha256(content.raw).hexdigest(),
            owner=user.name if facts.uid == user.uid else ("root" if facts.uid == 0 else f"uid {facts.uid}"),
            writable=any(_may_write(item, user) for item in content.access),
        )
        return self._packaged(artifact, program, user), len(content.raw)

    def _packaged(self, artifact: Artifact, program: str, user: User) -> Artifact:
        in_npm = _PACKAGE.match(artifact.program or "")
        if in_npm is not None:
            root, package = in_npm["root"], in_npm["package"]
            version = _text(self._json(f"{root}/node_modules/{package}/package.json", user).get("version"))
            locked = self._json(f"{root}/package-lock.json", user).get("packages")
            entry = locked.get(f"node_modules/{package}") if isinstance(locked, Mapping) else None
            integrity = _text(entry.get("integrity")) if isinstance(entry, Mapping) else None
            name = purl("npm", package, version)
            return replace(artifact, package=package, version=version, integrity=integrity, purl=name)
        environment = str(pure_path(self._files.os, program).parent.parent)
        wanted = _normal(artifact.package or program.rsplit("/", 1)[-1])
        for name, version in self._installed(environment, user):
            if _normal(name) == wanted:
                return replace(artifact, package=wanted, version=version, purl=purl("pypi", wanted, version))
        return artifact

    def _installed(self, environment: str, user: User) -> Sequence[tuple[str, str]]:
        """Return the distributions of a Python environment, by the names of their metadata folders."""
        versions = self._files.names(f"{environment}/lib", reader=user)
        found: list[tuple[str, str]] = []
        for python in versions.names if isinstance(versions, Names) else ():
            if python.startswith("python"):
                names = self._files.names(f"{environment}/lib/{python}/site-packages", reader=user)
                matches = map(_DIST_INFO.fullmatch, names.names if isinstance(names, Names) else ())
                found += [(match["name"], match["version"]) for match in matches if match is not None]
        return found

    def _json(self, path: str, user: User) -> Mapping[str, object]:
        content = self._files.read(path, reader=user)
        try:
            value = json.loads(content.raw) if isinstance(content, Data) else {}
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, Mapping) else {}


def _may_write(facts: Facts, user: User) -> bool:
    """Say whether the user could change this file, or put another in its place."""
    if facts.kind == "link" or user.uid == 0:
        return False
    if facts.uid == user.uid:
        return True
    if facts.kind == "folder" and facts.mode & 0o1000:
        return False
    return bool(facts.mode & 0o002 or (facts.mode & 0o020 and facts.gid in user.gids))


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and len(value) <= 200 and value.isprintable() else None  # noqa: PLR2004 - a version

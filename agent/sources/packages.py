"""To which package a program belongs, in which version, and what the metadata of that package says of it.

npm: `package.json` of the folder in `node_modules`, and the lock file beside it. Python: the `.dist-info` folders of the
environment that the program lies in (PyPA, "Recording installed projects"): the one of its name, or whose console scripts hold
it.
"""

import base64
import binascii
import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from agent.core.artifact import SDKS, Artifact, purl
from agent.core.place import Data, Missing, Names, User, pure_path
from agent.ports import Files

_IN_NPM = re.compile(r"^(?P<root>.*)/node_modules/(?P<package>(?:@[^/]+/)?[^/]+)/")
_DIST_INFO = re.compile(r"(?P<name>.+)-(?P<version>[^-]+)\.dist-info")
_REQUIRES = re.compile(r"^Requires-Dist:\s*([A-Za-z0-9][A-Za-z0-9._-]*)(?![^\n]*\bextra\b)", re.MULTILINE)
_REWRITTEN = ("/nix/store/", "/Cellar/")
_MOST_DISTRIBUTIONS = 300
_LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class _Distribution:
    name: str
    version: str
    folder: str


class Packages:
    """Reads the metadata of packages as the user who runs them."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def named(self, artifact: Artifact, program: str, name: str, user: User) -> Artifact:
        """Return `artifact` with its package; `program` is where it lies, of a module where its interpreter was called.

        `name` is the name of the program or module.
        """
        in_npm = _IN_NPM.match((artifact.program or "").replace("\\", "/"))
        if in_npm is not None:
            return self._of_npm(artifact, in_npm["root"], in_npm["package"], user)
        return self._of_python(artifact, program, name, user)

    def _of_npm(self, artifact: Artifact, root: str, package: str, user: User) -> Artifact:
        manifest = self._json(f"{root}/node_modules/{package}/package.json", user)
        version = _text(manifest.get("version"))
        locked = self._json(f"{root}/package-lock.json", user).get("packages")
        entry = locked.get(f"node_modules/{package}") if isinstance(locked, Mapping) else None
        integrity = _text(entry.get("integrity")) if isinstance(entry, Mapping) else None
        return replace(
            artifact,
            package=package,
            version=version,
            integrity=integrity,
            purl=purl("npm", package, version),
            declares=_npm_declares(manifest),
        )

    def _of_python(self, artifact: Artifact, program: str, name: str, user: User) -> Artifact:
        environment = str(pure_path(self._files.os, program).parent.parent)
        installed = list(islice(self._installed(environment, user), _MOST_DISTRIBUTIONS))
        wanted = {_normal(artifact.package or name), _normal(name)}
        found = next((one for one in installed if _normal(one.name) in wanted), None)
        found = found or next((one for one in installed if self._offers(one, name, user)), None)
        if found is None:
            return artifact
        package = _normal(found.name)
        return replace(
            artifact,
            package=package,
            version=found.version,
            purl=purl("pypi", package, found.version),
            declares=_python_declares(package, self._text(f"{found.folder}/METADATA", user)),
            recorded=self._recorded(found, environment, pure_path(self._files.os, program).name, user),
        )

    def _installed(self, environment: str, user: User) -> Iterator[_Distribution]:
        """Yield the distributions of a Python environment, by the names of their metadata folders."""
        for folder in self._libraries(environment, user):
            names = self._files.names(folder, reader=user)
            for one in names.names if isinstance(names, Names) else ():
                match = _DIST_INFO.fullmatch(one)
                if match is not None:
                    yield _Distribution(match["name"], match["version"], f"{folder}/{one}")

    def _libraries(self, environment: str, user: User) -> Iterator[str]:
        if self._files.os == "windows":
            yield f"{environment}/Lib/site-packages"
            return
        versions = self._files.names(f"{environment}/lib", reader=user)
        for python in versions.names if isinstance(versions, Names) else ():
            if python.startswith("python"):
                yield f"{environment}/lib/{python}/site-packages"

    def _offers(self, one: _Distribution, name: str, user: User) -> bool:
        """Say whether the distribution installed a program of that name."""
        scripts = self._text(f"{one.folder}/entry_points.txt", user)
        return re.search(rf"^{re.escape(name)}\s*=", scripts, re.MULTILINE | re.IGNORECASE) is not None

    def _recorded(self, one: _Distribution, environment: str, program: str, user: User) -> str | None:
        """Return the digest in hexadecimal that a program beside the interpreter had when it was installed.

        Conda, Nix and Homebrew write the interpreter's path into scripts after they were recorded: there nothing can be said.
        """
        conda = self._files.names(f"{environment}/conda-meta", reader=user)
        if not isinstance(conda, Missing) or any(mark in environment for mark in _REWRITTEN):
            return None
        try:
            rows = list(csv.reader(self._text(f"{one.folder}/RECORD", user).splitlines()))
        except csv.Error:
            return None
        for row in rows:
            kind, _, digest = (row[1] if len(row) > 1 else "").partition("=")
            parts = row[0].replace("\\", "/").split("/") if row else []
            if kind == "sha256" and parts[-2:] in (["bin", program], ["Scripts", program]):
                return _hexadecimal(digest)
        return None

    def _text(self, path: str, user: User) -> str:
        content = self._files.read(path, reader=user)
        return content.raw.decode("utf-8", "replace") if isinstance(content, Data) else ""

    def _json(self, path: str, user: User) -> Mapping[str, object]:
        try:
            value = json.loads(self._text(path, user) or "{}")
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, Mapping) else {}


def _npm_declares(manifest: Mapping[str, object]) -> str | None:
    if isinstance(manifest.get("mcpName"), str):
        return "mcpName"
    for kind in ("dependencies", "peerDependencies"):
        needed = manifest.get(kind)
        found = sorted(SDKS["npm"] & needed.keys()) if isinstance(needed, Mapping) else []
        if found:
            return found[0]
    return None


def _python_declares(package: str, metadata: str) -> str | None:
    head = metadata.replace("\r", "").partition("\n\n")[0]
    found = sorted(SDKS["pypi"] & {_normal(name) for name in _REQUIRES.findall(head)} - {package})
    return found[0] if found else None


def _hexadecimal(digest: str) -> str | None:
    """Read a digest as RECORD has it: base64 for URLs without padding."""
    try:
        return base64.b64decode(digest + "=" * (-len(digest) % 4), altchars=b"-_", validate=True).hex()
    except binascii.Error:
        return None


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and len(value) <= _LONGEST_TEXT and value.isprintable() else None

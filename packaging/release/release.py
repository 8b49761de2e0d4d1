"""Gather what was built into dist/release with checksums and a manifest, or say why this is no release.

`release.py --may` asks before anything is built: do version, changelog and commit agree? `release.py` gathers, after the packages
have passed their tests, and asks again: also whether the frozen program is whole and of this version, and whether each package
is, byte for byte, one that passed. It refuses with every reason at once.
"""

import argparse
import gzip
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import passed

CHECKOUT = Path(__file__).parents[2]
DIST = CHECKOUT / "dist"
NAME = "mcp-compliance-agent"
MANIFEST, SUMS = "manifest.json", "SHA256SUMS"
FOR_TESTS = "for-tests"
"""In the name of a package that is none to deploy: the MSI that Linux makes holds what Wine needs, and Windows must not have."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file of the release."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Built:
    """What was built: what the frozen program says of itself, the packages, and which of them did not pass their tests."""

    selfcheck: dict[str, Any]
    packages: Sequence[str]
    untested: Sequence[str]


def reasons_against_building(version: str, changelog: str, changed: Sequence[str]) -> Iterator[str]:
    """Yield why a release must not even be built. `changed` are the files that the commit does not hold as they are."""
    sections = re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]
    titles = [section.partition("\n")[0].split()[0].strip("[]") for section in sections]
    bodies = {title: section.partition("\n")[2].strip() for title, section in zip(titles, sections, strict=True)}
    if not bodies.get(version):
        yield f"CHANGELOG.md says nothing of {version}: give what stands under Unreleased this version and its day"
    elif next(title for title in titles if title != "Unreleased") != version:
        yield f"CHANGELOG.md knows a newer version than {version}: agent/__init__.py names an old one"
    if bodies.get("Unreleased"):
        yield "CHANGELOG.md still has something under Unreleased"
    if changed:
        yield f"the commit does not hold {', '.join(changed)}"


def reasons_against(version: str, built: Built) -> Iterator[str]:
    """Yield why what was built must not be released."""
    selfcheck = built.selfcheck
    if not selfcheck.get("frozen") or not selfcheck.get("whole"):
        lost = [part["name"] for part in selfcheck.get("parts", ()) if not part["whole"]]
        yield f"the frozen program is not whole: {', '.join(lost) or 'it does not start'}"
    if selfcheck.get("agent_version") != version:
        yield f"the frozen program is {selfcheck.get('agent_version')}, and this is {version}"
    if not built.packages:
        yield f"there is no package of {version}"
    if built.untested:
        yield f"the package tests have not passed for {', '.join(built.untested)} as it is now"


def manifest(
    version: str, commit: str, parts: Sequence[dict[str, Any]], artifacts: Sequence[Artifact]
) -> dict[str, Any]:
    """Return what the release is, as a document; the same inputs give the same document."""
    return {
        "schema": "mcp-compliance/release/1",
        "name": NAME,
        "version": version,
        "commit": commit,
        "source_date_epoch": _epoch(),
        "built_on": {"system": platform.system(), "machine": platform.machine(), "python": platform.python_version()},
        "holds": {part["name"]: part["count"] for part in parts},
        "artifacts": [asdict(artifact) for artifact in artifacts],
    }


def packages(dist: Path, version: str) -> tuple[Path, ...]:
    """Return the packages of this version, those that are for tests alone last."""
    deployed = [dist.glob(f"{NAME}[-_]{version}[-_.]*{kind}") for kind in (".deb", ".rpm", ".pkg", ".msi")]
    return (*sorted(chain(*deployed)), *sorted((dist / "windows").glob(f"{NAME}-{version}.msi")))


def gather(dist: Path, version: str) -> tuple[Artifact, ...]:
    """Copy what was built into the release folder, made anew; return what is in it."""
    release = dist / "release"
    shutil.rmtree(release, ignore_errors=True)
    release.mkdir(parents=True)
    for file in packages(dist, version):
        note = "" if file.parent == dist else f".{FOR_TESTS}"
        shutil.copy2(file, release / f"{file.stem}{note}{file.suffix}")
    system = f"{platform.system().lower()}-{platform.machine().lower()}"
    for folder in sorted(path for path in dist.iterdir() if path.is_dir() and path.name.startswith("mcp-compliance-")):
        _pack(folder, release / f"{folder.name}-{version}-{system}.tar.gz")
        shutil.copy2(dist / f"{folder.name}.cdx.json", release / f"{folder.name}-{version}-{system}.cdx.json")
    return tuple(_artifact(file) for file in sorted(release.iterdir()))


def _pack(folder: Path, archive: Path) -> None:
    """Pack a frozen program; whoever built it, and when, does not show."""

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        entry.mtime = _epoch()
        return entry

    with (
        archive.open("wb") as file,
        gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=_epoch()) as packed,
        tarfile.open(fileobj=packed, mode="w") as stream,
    ):
        stream.add(folder, folder.name, filter=plain)


def _epoch() -> int:
    return int(os.environ.get("SOURCE_DATE_EPOCH", "0"))


def _artifact(file: Path) -> Artifact:
    return Artifact(file.name, file.stat().st_size, hashlib.sha256(file.read_bytes()).hexdigest())


def _git(*words: str) -> str:
    git = shutil.which("git") or "git"
    return subprocess.run([git, *words], cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout


def _selfcheck(program: Path) -> dict[str, Any]:
    try:
        done = subprocess.run([str(program), "selfcheck", "--json"], check=False, capture_output=True, text=True)
        found: dict[str, Any] = json.loads(done.stdout)
    except (OSError, ValueError):  # not there, or no answer
        return {}
    return found


def _refused(reasons: Iterator[str]) -> bool:
    told = [f"No release: {reason}." for reason in reasons]
    if told:
        print("\n".join(told), file=sys.stderr)
    return bool(told)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the release, or print why not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--may", action="store_true", help="ask only whether a release may be built of this commit")
    given = parser.parse_args(arguments)
    found = re.search(r'^__version__ = "(.+)"$', (CHECKOUT / "agent/__init__.py").read_text(), re.MULTILINE)
    version = found[1] if found else ""
    changed = [line[3:] for line in _git("status", "--porcelain").splitlines()]
    changelog = (CHECKOUT / "CHANGELOG.md").read_text("utf-8")
    if _refused(reasons_against_building(version, changelog, changed)):
        return 1
    if given.may:
        return 0
    program = DIST / NAME / ("mcp-compliance.exe" if sys.platform == "win32" else "mcp-compliance")
    files = packages(DIST, version)
    built = Built(_selfcheck(program), [file.name for file in files], passed.without(DIST, files))
    if _refused(reasons_against(version, built)):
        return 1
    _write(version, built.selfcheck["parts"])
    return 0


def _write(version: str, parts: Sequence[dict[str, Any]]) -> None:
    artifacts = gather(DIST, version)
    release = DIST / "release"
    document = manifest(version, _git("rev-parse", "HEAD").strip(), parts, artifacts)
    (release / MANIFEST).write_text(json.dumps(document, indent=1) + "\n")
    listed = [*artifacts, _artifact(release / MANIFEST)]
    (release / SUMS).write_text("".join(f"{item.sha256}  {item.name}\n" for item in listed))
    for item in listed:
        print(f"{item.sha256}  {item.bytes:>10}  {item.name}")


if __name__ == "__main__":
    sys.exit(main())

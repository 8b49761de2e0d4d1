"""Gather what was built into dist/release with checksums and a manifest, or say why this is no release.

`make release` runs it after the packages have passed their tests. It refuses, with every reason at once, where the version and
the changelog don't agree, where the checkout is not the commit that it says, and where the frozen program is not whole.
"""

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
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[2]
NAME = "mcp-compliance-agent"
MANIFEST, SUMS = "manifest.json", "SHA256SUMS"


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file of the release."""

    name: str
    bytes: int
    sha256: str


def reasons_against(version: str, changelog: str, selfcheck: dict[str, Any], changed: Sequence[str]) -> Iterator[str]:
    """Yield why this must not be released. `changed` are the files that the commit does not hold as they are."""
    sections = re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]
    titles = [section.partition("\n")[0].split()[0].strip("[]") for section in sections]
    bodies = {title: section.partition("\n")[2].strip() for title, section in zip(titles, sections, strict=True)}
    if not bodies.get(version):
        yield f"CHANGELOG.md says nothing of {version}: give what stands under Unreleased this version and its day"
    elif next(title for title in titles if title != "Unreleased") != version:
        yield f"CHANGELOG.md knows a newer version than {version}: agent/__init__.py names an old one"
    if bodies.get("Unreleased"):
        yield "CHANGELOG.md still has something under Unreleased"
    if not selfcheck.get("frozen") or not selfcheck.get("whole"):
        lost = [part["name"] for part in selfcheck.get("parts", ()) if not part["whole"]]
        yield f"the frozen program is not whole: {', '.join(lost) or 'it does not start'}"
    if selfcheck.get("agent_version") != version:
        yield f"the frozen program is {selfcheck.get('agent_version')}, and this is {version}"
    if changed:
        yield f"the commit does not hold {', '.join(changed)}"


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


def gather(dist: Path, version: str) -> tuple[Artifact, ...]:
    """Copy what was built into the release folder, made anew; return what is in it."""
    release = dist / "release"
    shutil.rmtree(release, ignore_errors=True)
    release.mkdir(parents=True)
    for pattern in (
        f"{NAME}*{version}*.deb",
        f"{NAME}*{version}*.rpm",
        f"{NAME}*{version}*.pkg",
        f"{NAME}*{version}*.msi",
    ):
        for file in sorted(dist.glob(pattern)):
            shutil.copy2(file, release)
    shutil.copy2(dist / f"{NAME}.cdx.json", release / f"{NAME}-{version}.cdx.json")
    system = f"{platform.system().lower()}-{platform.machine().lower()}"
    for folder in sorted(path for path in dist.iterdir() if path.is_dir() and path.name.startswith("mcp-compliance-")):
        _pack(folder, release / f"{folder.name}-{version}-{system}.tar.gz")
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
    done = subprocess.run([str(program), "selfcheck", "--json"], check=False, capture_output=True, text=True)
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return {}
    return found


def main(dist: Path) -> int:
    """Make the release, or print why not."""
    found = re.search(r'^__version__ = "(.+)"$', (CHECKOUT / "agent/__init__.py").read_text(), re.MULTILINE)
    version = found[1] if found else ""
    program = dist / NAME / ("mcp-compliance.exe" if sys.platform == "win32" else "mcp-compliance")
    selfcheck = _selfcheck(program)
    changed = [line[3:] for line in _git("status", "--porcelain").splitlines()]
    reasons = list(reasons_against(version, (CHECKOUT / "CHANGELOG.md").read_text("utf-8"), selfcheck, changed))
    if reasons:
        print("\n".join(f"No release: {reason}." for reason in reasons), file=sys.stderr)
        return 1
    artifacts = gather(dist, version)
    release = dist / "release"
    document = manifest(version, _git("rev-parse", "HEAD").strip(), selfcheck["parts"], artifacts)
    (release / MANIFEST).write_text(json.dumps(document, indent=1) + "\n")
    listed = [*artifacts, _artifact(release / MANIFEST)]
    (release / SUMS).write_text("".join(f"{item.sha256}  {item.name}\n" for item in listed))
    for item in listed:
        print(f"{item.sha256}  {item.bytes:>10}  {item.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

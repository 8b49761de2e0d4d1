"""Print the bill of materials of a frozen program as CycloneDX JSON: `sbom.py BUILD DIST`.

Every part of the program is in it, with its version, licence and package URL; every native library with its SHA-256.
"""

import hashlib
import os
import sys
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import Distribution
from pathlib import Path

from contents import Item, Owner, agent, contents, installed
from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

_NATIVE = (".so", ".dll", ".pyd", ".dylib", ".exe")
_LICENCES = {"python": "PSF-2.0", "agent": "Apache-2.0"}
_NAMESPACE = uuid.UUID("6a3f0f0e-6d4b-4f8b-9d0c-1f6a2f7a5c11")


def bill(name: str, items: Sequence[Item], made: datetime) -> Bom:
    """Return the bill of `items`, which are the program `name`; the same items and moment give the same bill."""
    bom = Bom()
    own = agent()
    root = _component(replace(own, name=name), ComponentType.APPLICATION, ())
    bom.metadata.component = root
    bom.metadata.timestamp = made
    parts = [
        _component(owner, ComponentType.LIBRARY, [item for item in items if item.owner == owner])
        for owner in sorted({item.owner for item in items} - {own})
    ]
    bom.components.update(parts)
    bom.register_dependency(root, parts)
    seed = "".join(f"{item.name}:{item.owner}:{item.bytes}" for item in items)
    bom.serial_number = uuid.uuid5(_NAMESPACE, seed)
    return bom


def _component(owner: Owner, kind: ComponentType, items: Iterable[Item]) -> Component:
    purl = _purl(owner)
    component = Component(
        name=owner.name,
        version=owner.version or None,
        type=kind if owner.kind != "file" else ComponentType.FILE,
        purl=purl,
        bom_ref=str(purl or f"file:{owner.name}"),
        licenses=_licences(owner),
    )
    for item in items:
        if item.file is not None and _is_native(item.file):
            digest = hashlib.sha256(item.file.read_bytes()).hexdigest()
            component.components.add(
                Component(
                    name=item.name,
                    type=ComponentType.FILE,
                    bom_ref=f"{component.bom_ref}#{item.name}",
                    hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
                    properties=[Property(name="mcp-compliance:bytes", value=str(item.bytes))],
                )
            )
    return component


def _is_native(file: Path) -> bool:
    return file.suffix in _NATIVE or ".so." in file.name or not file.suffix


def _purl(owner: Owner) -> PackageURL | None:
    match owner.kind:
        case "pypi":
            return PackageURL("pypi", None, owner.name, owner.version)
        case "deb":
            return PackageURL("deb", "debian", owner.name, owner.version)
        case "python" | "agent":
            return PackageURL("generic", None, owner.name, owner.version)
        case _:
            return None


def _licences(owner: Owner) -> list[License]:
    make = LicenseFactory()
    if owner.kind in _LICENCES:
        return [make.make_from_string(_LICENCES[owner.kind])]
    found = installed().get(owner.name) if owner.kind == "pypi" else None
    return [make.make_from_string(text) for text in _stated(found)][:1] if found is not None else []


def _stated(found: Distribution) -> Iterator[str]:
    """Yield what a distribution says of its licence, the exact before the vague."""
    for key in ("License-Expression", "License"):
        yield from (text for text in found.metadata.get_all(key, ()) if "\n" not in text.strip())
    for classifier in found.metadata.get_all("Classifier", ()):
        if classifier.startswith("License :: OSI Approved :: "):
            yield classifier.rpartition(" :: ")[2]


def main(build: Path, dist: Path) -> None:
    """Print the bill."""
    made = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), UTC)
    bom = bill(dist.name, contents(build, dist), made)
    text = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=1)
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        sys.exit(f"The bill of materials is not valid CycloneDX: {error}")
    print(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

"""Which image a container's name stands for here, as the engines' own lists say; no engine is run and no socket asked.

Docker's classic store keeps `repositories.json`, Podman and CRI-O (containers/storage) `images.json`. Docker with the containerd
store, Docker Desktop and engines on other machines keep their lists where they cannot be read as a file; then nothing is said.
"""

import json
import re
from collections.abc import Iterator, Mapping

from agent.core.place import Data, Names, User
from agent.ports import Files

_DOCKER = "/var/lib/docker/image"
_CONTAINERS = "storage/overlay-images/images.json"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MOST = 8


class Images:
    """Looks an image up in the lists of this machine and of a user."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def digest(self, package: str, version: str | None, user: User) -> str | None:
        """Return the digest of the image, that of its manifest where it is known; None where no list names it."""
        tag, _, pinned = (version or "").partition("@")
        if _DIGEST.fullmatch(pinned):
            return pinned
        wanted = _full(f"{package}:{tag or 'latest'}")
        return next((digest for name, digest in self._listed(user) if _full(name) == wanted), None)

    def _listed(self, user: User) -> Iterator[tuple[str, str]]:
        yield from self._of_containers(f"{user.home}/.local/share/containers/{_CONTAINERS}", user)
        yield from self._of_containers(f"/var/lib/containers/{_CONTAINERS}", None)
        drivers = self._files.names(_DOCKER)
        for driver in drivers.names[:_MOST] if isinstance(drivers, Names) else ():
            yield from self._of_docker(f"{_DOCKER}/{driver}/repositories.json")

    def _of_containers(self, path: str, reader: User | None) -> Iterator[tuple[str, str]]:
        images = self._json(path, reader)
        for image in images if isinstance(images, list) else ():
            names = image.get("names") if isinstance(image, Mapping) else None
            digest = str(image.get("digest")) if names else ""
            if isinstance(names, list) and _DIGEST.fullmatch(digest):
                yield from ((name, digest) for name in names if isinstance(name, str))

    def _of_docker(self, path: str) -> Iterator[tuple[str, str]]:
        """Tags and digests of a repository lead to the same image: the digest is the registry's word for it."""
        document = self._json(path, None)
        repositories = document.get("Repositories") if isinstance(document, Mapping) else None
        for names in repositories.values() if isinstance(repositories, Mapping) else ():
            known = {name: str(image) for name, image in names.items()} if isinstance(names, Mapping) else {}
            digests = {image: name.partition("@")[2] for name, image in known.items() if "@" in name}
            for name, image in known.items():
                digest = digests.get(image, image)
                if "@" not in name and _DIGEST.fullmatch(digest):
                    yield name, digest

    def _json(self, path: str, reader: User | None) -> object:
        content = self._files.read(path, reader=reader)
        try:
            return json.loads(content.raw) if isinstance(content, Data) else None
        except (ValueError, RecursionError):
            return None


def _full(name: str) -> str:
    """Return the name with the registry and the folder that engines leave out: `x:1` is `docker.io/library/x:1`."""
    host, slash, _ = name.partition("/")
    if not slash:
        return f"docker.io/library/{name}"
    return name if "." in host or ":" in host or host == "localhost" else f"docker.io/{name}"

"""Linux systems inside Windows (WSL): a user may have several, each with homes and clients of its own.

Of version 1 the files lie in the user's profile and are read where they lie. Version 2 keeps them in the image of a disk, which
only the running system can read: it is said to be there, and that nothing in it was seen. No command of WSL is run: that would
start it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import PureWindowsPath
from typing import TypeVar

from agent.catalog.rows import Catalog
from agent.core.basis import Basis
from agent.core.observation import ConfigLook, Coverage, CoverageState, Scope
from agent.core.place import Content, Data, Listing, Missing, Names, Os, Unreadable, User
from agent.host.users import HomeUsers
from agent.ports import Files, Homes, Nearby
from agent.sources.configs import ConfigSource
from agent.sources.reading import Visit

_ROOTS = ("AppData/Local/Packages/*/LocalState/rootfs", "AppData/Local/lxss/rootfs")
_DISKS = ("AppData/Local/Packages/*/LocalState/ext4.vhdx", "AppData/Local/wsl/*/ext4.vhdx")
"""Where installed systems lie, of version 1 and 2 (learn.microsoft.com, "WSL disk space"); below the home."""

_WHY = "is the disk of a Linux system (WSL 2), which cannot be read from Windows: run the agent in that system too"

_Found = TypeVar("_Found", bound=Data | Names | Missing | Unreadable)


@dataclass(slots=True)
class Subtree:
    """The files of a Linux system whose root is the folder `top` of a Windows disk, read on behalf of the profile's user."""

    files: Files
    top: str
    owner: User
    os: Os = field(default="linux", init=False)

    def read(self, path: str, *, within: str | None = None, reader: User | None = None) -> Content:
        """Return the whole file."""
        del reader
        return self._named(self.files.read(self._there(path), within=self._there(within or "/"), reader=self.owner))

    def names(self, path: str, *, within: str | None = None, reader: User | None = None) -> Listing:
        """Return the names in a folder."""
        del reader
        return self._named(self.files.names(self._there(path), within=self._there(within or "/"), reader=self.owner))

    @contextmanager
    def glance(self) -> Iterator["Subtree"]:
        """Nothing is recalled: what Windows tells of these files is not what Linux would."""
        yield self

    def holds(self, basis: Basis) -> bool:
        """Say that everything must be asked again."""
        del basis
        return False

    def _there(self, path: str) -> str:
        return self.top + path.rstrip("/").replace("/", "\\")

    def _named(self, found: _Found) -> _Found:
        """Return what was found with its paths as Linux has them."""
        access = [facts for facts in found.access if facts.path.casefold().startswith(self.top.casefold())]
        own = (replace(facts, path=facts.path[len(self.top) :].replace("\\", "/") or "/") for facts in access)
        return replace(found, access=tuple(own))


@dataclass(frozen=True, slots=True)
class _Renamed:
    """The users of such a system, told from those of Windows by its name."""

    inner: HomeUsers
    system: str

    def users(self) -> Sequence[User]:
        return [replace(user, name=f"{user.name}@{self.system}") for user in self.inner.users()]

    def folders(self) -> Sequence[str]:
        return self.inner.folders()


class WithWsl:
    """Adds to the looks of `inner`, which looks at Windows, those at every user of every Linux system inside."""

    name = "configs"

    def __init__(self, inner: ConfigSource, files: Files, users: Homes, catalog: Catalog) -> None:
        self.interval_s = inner.interval_s
        self._inner, self._files, self._users, self._catalog = inner, files, users, catalog
        self._systems: dict[str, ConfigSource] = {}

    def look(self) -> Sequence[ConfigLook]:
        """Return all looks; a disk that cannot be looked into is coverage of the user whose it is."""
        looks: list[ConfigLook] = []
        systems: dict[str, ConfigSource] = {}
        for look in self._inner.look():
            visit = Visit(self._files, look.user)
            disks = tuple(self._disks(visit))
            looks.append(replace(look, coverage=(*look.coverage, *disks)) if disks else look)
            for top in _matches(visit, _ROOTS):
                if isinstance(visit.names(top), Names):
                    systems[top] = self._systems.get(top) or self._system(top, look.user)
        self._systems = systems
        inside = (look for source in systems.values() for look in source.look())
        return (*looks, *(replace(look, apart=True) for look in inside))

    def watched(self) -> Sequence[str | Nearby]:
        """Return what wakes the source early: files of Windows; the others are found by the sweep."""
        return self._inner.watched()

    def _system(self, top: str, owner: User) -> ConfigSource:
        tree = Subtree(self._files, top, owner)
        return ConfigSource(tree, _Renamed(HomeUsers(tree), _called(top)), self._catalog)

    def _disks(self, visit: Visit) -> Iterator[Coverage]:
        for path in _matches(visit, _DISKS):
            if visit.exists(path):
                scope = Scope("config", visit.user.name, None, path)
                yield Coverage(scope, CoverageState.SKIPPED, f"{path} {_WHY}")


def _matches(visit: Visit, patterns: Sequence[str]) -> Iterator[str]:
    for pattern in patterns:
        yield from visit.matches(str(PureWindowsPath(visit.user.home) / pattern))


def _called(top: str) -> str:
    r"""Return a name for the system below `...\Packages\CanonicalGroupLimited.Ubuntu_79rhkp1fndgsc\LocalState\rootfs`."""
    parts = PureWindowsPath(top).parts
    return parts[-3].partition("_")[0] if "Packages" in parts else parts[-2]

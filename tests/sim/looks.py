"""Looks at a machine made by hand: a user's configuration in a tree of files, a process table that stands still."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from agent.catalog.rows import catalog
from agent.core.observation import ConfigLook, Process
from agent.core.place import User
from agent.host.users import HomeUsers
from agent.ports import TableView
from agent.sources.configs import ConfigSource
from tests.sim.files import Tree


@dataclass(frozen=True)
class Habits:
    """Of every user the same."""

    sets: Sequence[Mapping[str, str]] = ({},)
    workplaces: Sequence[str] = ()

    def environments(self, _: User) -> Sequence[Mapping[str, str]]:
        return self.sets

    def projects(self, _: User) -> Sequence[str]:
        return self.workplaces


def source(tree: Tree, *projects: str, env: Mapping[str, str] | None = None) -> ConfigSource:
    return ConfigSource(tree, HomeUsers(tree), catalog(), projects=projects, habits=Habits([env or {}]))


def look(tree: Tree, *projects: str, env: Mapping[str, str] | None = None) -> ConfigLook:
    (found,) = source(tree, *projects, env=env).look()
    return found


class Table:
    def __init__(self, view: TableView) -> None:
        self.view = view

    def snapshot(self) -> TableView:
        return self.view

    def update(self, seen: Collection[Process], gone: Collection[int]) -> TableView:
        raise NotImplementedError

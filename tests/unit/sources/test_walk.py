"""The walk for projects that no client remembers: slow, bounded, resumed where it stopped, and led nowhere by links."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from agent.app.whereto import Habits, KeepingHabits
from agent.catalog.rows import catalog
from agent.core.place import User
from agent.core.whereto import Walk, WhereTo
from agent.host.users import HomeUsers
from agent.sources import walk as walking
from agent.sources.configs import ConfigSource
from agent.sources.projects import ProjectPlan
from agent.sources.walk import DEEP, REST_S, STEPS, ProjectWalk
from agent.sources.whereabouts import Whereabouts
from agent.store.whereto import NAME, load, save
from tests.sim.files import Node, Tree

SERVERS = '{"mcpServers": {"s": {"command": "x"}}}'
ANN = User("ann", "/home/ann", 1000, frozenset({1000}))


def tree(files: Mapping[str, str | Node]) -> Tree:
    return Tree({"/home/ann": Node.folder(0o755, 1000, 1000), **files})


def walk_over(files: Tree, walks: Mapping[str, Walk] | None = None, at: list[float] | None = None) -> ProjectWalk:
    now = at if at is not None else [1.0]
    return ProjectWalk(files, HomeUsers(files), ProjectPlan(catalog(), "linux"), walks or {}, lambda: now[0])


def found(walk: ProjectWalk, steps: int = 50) -> set[str]:
    for _ in range(steps):
        walk.step()
    return set(walk.projects(ANN))


def test_a_project_with_a_file_of_some_client_is_found_and_any_other_folder_is_not() -> None:
    files = tree(
        {
            "/home/ann/work/a/.mcp.json": SERVERS,
            "/home/ann/work/b/.vscode/mcp.json": "{}",
            "/home/ann/work/c/.vscode/launch.json": "{}",
            "/home/ann/work/d/README": "",
            "/home/ann/.mcp.json": SERVERS,  # the home is no project unless somebody works there
        }
    )
    assert found(walk_over(files)) == {"/home/ann/work/a", "/home/ann/work/b"}


def test_hidden_folders_stores_of_packages_and_what_is_too_deep_are_passed_by() -> None:
    deep = "/".join(str(level) for level in range(DEEP + 1))
    passed = [".cache/x", "p/node_modules/x", "Library/x", "venv/x", deep]
    files = tree({f"/home/ann/{folder}/.mcp.json": SERVERS for folder in [*passed, "p/ok"]})
    assert found(walk_over(files)) == {"/home/ann/p/ok"}


def test_no_link_is_followed_and_no_folder_that_the_user_may_not_read() -> None:
    files = tree(
        {
            "/home/ann/real/.mcp.json": SERVERS,
            "/home/ann/linked": Node.link("real"),
            "/home/ann/loop/again": Node.link("/home/ann"),
            "/home/ann/out": Node.link("/srv"),
            "/srv/p/.mcp.json": SERVERS,
            "/home/ann/private": Node.folder(0o700, 0, 0),
            "/home/ann/private/.mcp.json": SERVERS,
        }
    )
    assert found(walk_over(files)) == {"/home/ann/real"}


def test_each_step_is_small_and_the_next_goes_on_where_it_stopped() -> None:
    files = tree({f"/home/ann/{number:04}/.mcp.json": SERVERS for number in range(STEPS * 3)})
    walk = walk_over(files)
    asked = len(files.reads)
    walk.step()
    assert 0 < len(walk.projects(ANN)) < STEPS
    assert len(files.reads) - asked < STEPS * 20
    resumed = walk_over(files, walk.walks)  # as after a start anew
    assert len(found(resumed, 10)) == STEPS * 3


def test_it_rests_when_it_was_everywhere_and_what_is_gone_is_forgotten_only_after_the_next_time() -> None:
    at = [1.0]
    files = tree({"/home/ann/a/.mcp.json": SERVERS, "/home/ann/b/.mcp.json": SERVERS})
    walk = walk_over(files, at=at)
    assert found(walk) == {"/home/ann/a", "/home/ann/b"}
    files.remove("/home/ann/a/.mcp.json")
    reads = len(files.reads)
    assert found(walk) == {"/home/ann/a", "/home/ann/b"}
    assert len(files.reads) == reads, "it rests"
    at[0] += REST_S
    assert found(walk) == {"/home/ann/b"}


def test_a_home_of_endless_names_ends() -> None:
    files = tree({f"/home/ann/{number}/x": "" for number in range(300)})
    before = Walk(waiting=tuple((f"/home/ann/{number}", 1) for number in range(300)), tried=walking.TRIES - 10)
    walk = walk_over(files, {"ann": before})
    walk.step()
    assert walk.walks["ann"].waiting == ()


def test_new_projects_wake_the_look_which_reads_them() -> None:
    files = tree({"/home/ann/p/.cursor/mcp.json": SERVERS})
    walk, wakes = walk_over(files), list[bool]()
    habits = Habits(Whereabouts(catalog(), "linux"), walk)
    habits.subscribe(lambda: wakes.append(True))
    source = ConfigSource(files, HomeUsers(files), catalog(), habits=habits)
    assert source.look()[0].servers == ()
    found(walk)
    assert wakes == [True]
    assert [server.client for server in source.look()[0].servers] == ["cursor"]


def test_what_is_known_survives_a_start_and_a_damaged_file_costs_only_time(tmp_path: Path) -> None:
    known = WhereTo(
        {"ann": ((("CODEX_HOME", "/x"),),)}, {"ann": ("/p", "/q")}, {"ann": Walk((("/home/ann/a", 2),), 5, ("/f",))}
    )
    save(tmp_path, known)
    assert load(tmp_path) == known
    again = Whereabouts(catalog(), "linux", before=load(tmp_path))
    assert again.projects(ANN) == ("/p", "/q")
    assert again.environments(ANN) == [{}, {"CODEX_HOME": "/x"}]
    for damage in (b"", b"[]", b'{"schema": "x"}', b'{"schema": "mcp-compliance/where-to-look/1", "moves": 3}'):
        (tmp_path / NAME).write_bytes(damage)
        assert load(tmp_path) == WhereTo()


def test_it_is_written_only_when_it_changed(tmp_path: Path) -> None:
    habits = Habits(Whereabouts(catalog(), "linux"))
    keeping = KeepingHabits(tmp_path, habits)
    keeping.keep()
    assert not (tmp_path / NAME).exists()
    habits = replace(habits, whereabouts=Whereabouts(catalog(), "linux", before=WhereTo(folders={"ann": ("/p",)})))
    keeping = KeepingHabits(tmp_path, habits)
    keeping.keep()
    assert load(tmp_path).folders == {"ann": ("/p",)}
    (tmp_path / NAME).unlink()
    keeping.keep()
    assert not (tmp_path / NAME).exists()

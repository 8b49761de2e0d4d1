"""What of administrators a program of its user takes the place of, and what stands before the system's on purpose."""

import pytest

from agent.core.artifact import InsteadOf
from agent.core.place import User
from agent.sources.shadowing import instead_of
from tests.sim.files import Node, Tree

ANN = User("ann", "/home/ann", 1000, frozenset({1000}))
OWN = Node(raw=b"x", mode=0o755, uid=1000, gid=1000)


def tree(own: str, **more: Node) -> Tree:
    home = Node.folder(0o755, 1000, 1000)
    return Tree({"/home/ann": home, own: OWN, "/usr/bin/tickets": Node(raw=b"y", mode=0o755), **more})


@pytest.mark.parametrize("own", ["/home/ann/bin/tickets", "/home/ann/.local/bin/tickets", "/tmp/x/tickets"])
def test_a_program_of_the_same_name_that_only_administrators_can_change_is_named(own: str) -> None:
    for called in ("tickets", own):
        assert instead_of(tree(own), own, called, ANN) == InsteadOf("/usr/bin/tickets", by_link=False)
    assert instead_of(tree(own), own, "other", ANN) is None


@pytest.mark.parametrize(
    "folder",
    [
        *("/home/ann/.pyenv/shims", "/home/ann/.asdf/shims", "/home/ann/.asdf/installs/tickets/1.2/bin"),
        *("/home/ann/.local/share/mise/installs/tickets/1.2/bin", "/home/ann/.volta/bin", "/opt/homebrew/bin"),
        *("/usr/local/Cellar/tickets/1.0/bin", "/home/ann/go/bin"),
        *("/home/linuxbrew/.linuxbrew/bin", "/home/ann/.cargo/bin", "/home/ann/.cache/node/corepack/v1/tickets/bin"),
    ],
)
def test_what_version_managers_and_package_managers_keep_for_a_user_is_left_alone(folder: str) -> None:
    own = f"{folder}/tickets"
    assert instead_of(tree(own), own, "tickets", ANN) is None


@pytest.mark.parametrize(
    "folder",
    [
        *(
            "/home/ann/.nvm/versions/node/v24.1.0/bin",
            "/home/ann/.pyenv/versions/3.12.1/bin",
            "/home/ann/proj/.venv/bin",
        ),
        *(
            "/home/ann/.local/share/uv/tools/tickets/bin",
            "/home/ann/.local/share/fnm/node-versions/v24/installation/bin",
        ),
    ],
)
def test_what_lies_where_managers_keep_packages_alone_and_is_of_no_package_is_named(folder: str) -> None:
    own = f"{folder}/tickets"
    assert instead_of(tree(own), own, "tickets", ANN) == InsteadOf("/usr/bin/tickets", by_link=False)


def test_a_link_of_administrators_into_the_home_is_named_and_one_of_the_user_is_not() -> None:
    own = "/home/ann/src/tickets"
    linked = tree(own, **{"/usr/local/bin/tickets": Node.link(own)})
    for called in ("tickets", "/usr/local/bin/tickets", own):
        assert instead_of(linked, own, called, ANN) == InsteadOf("/usr/local/bin/tickets", by_link=True)
    folder = Node.folder(0o755, 1000, 1000)
    loose = tree(own, **{"/usr/local/bin": folder, "/usr/local/bin/other": Node.link(own)})
    assert instead_of(loose, own, "/usr/local/bin/other", ANN) is None
    app = "/opt/app/bin/tickets"  # of which administrators made its user the owner
    assert instead_of(tree(app, **{"/usr/local/bin/tool": Node.link(app)}), app, "/usr/local/bin/tool", ANN) is None


def test_what_the_user_can_change_too_is_no_program_of_administrators() -> None:
    own = "/home/ann/bin/tickets"
    assert instead_of(Tree({own: OWN, "/usr/bin/tickets": OWN}), own, "tickets", ANN) is None
    assert instead_of(Tree({own: OWN, "/usr/bin/tickets": Node.folder()}), own, "tickets", ANN) is None
    assert instead_of(Tree({own: OWN}), own, "tickets", ANN) is None

"""Digests are found once, in time, and never held on to when the file is another."""

import hashlib
import threading

from agent.core.artifact import Unhashed
from agent.core.place import User
from agent.sources import digests as module
from agent.sources.digests import SMALL_BYTES, Digests
from tests.sim.files import Node, Tree

ANN = User("ann", "/home/ann", 1000, frozenset({1000}))
BIG = b"b" * (SMALL_BYTES + 1)
BIG_DIGEST = hashlib.sha256(BIG).hexdigest()


def test_a_file_is_read_again_only_when_it_is_another() -> None:
    tree = Tree({"/x": "one"})
    digests = Digests(tree)
    first = digests.of("/x", ANN).sha256
    assert first == hashlib.sha256(b"one").hexdigest() == digests.of("/x", ANN).sha256
    assert tree.reads == ["/x"]
    tree.put("/x", "two")
    assert digests.of("/x", ANN).sha256 == hashlib.sha256(b"two").hexdigest()


def test_what_one_look_may_read_is_bounded_where_nothing_reads_in_the_background() -> None:
    tree = Tree({"/a": BIG, "/b": BIG})
    digests = Digests(tree, at_once=len(BIG))
    digests.look()
    assert [digests.of(path, ANN).missing for path in ("/a", "/b")] == [None, Unhashed.NOT_YET]
    digests.look()
    assert [digests.of(path, ANN).sha256 for path in ("/a", "/b")] == [BIG_DIGEST] * 2


def test_the_background_reads_what_waits_in_order_and_each_once() -> None:
    tree = Tree({"/a": BIG, "/b": BIG + b"b"})
    digests = Digests(tree)
    for _ in range(3):
        assert [digests.of(path, ANN).missing for path in ("/a", "/b")] == [Unhashed.NOT_YET] * 2
    assert tree.reads == []
    assert [digests.step() for _ in range(3)] == [len(BIG), len(BIG) + 1, 0]
    assert tree.reads == ["/a", "/b"]
    assert digests.of("/a", ANN).sha256 == BIG_DIGEST


def test_what_could_not_be_read_is_tried_again_and_not_gone_through_meanwhile() -> None:
    tree = Tree({"/x": Node(raw=BIG, mode=0o600)})
    digests = Digests(tree)
    assert digests.of("/x", ANN).missing is Unhashed.UNREADABLE
    assert (digests.step(), tree.reads) == (0, [])
    tree.put("/x", BIG)
    assert digests.of("/x", ANN).missing is Unhashed.NOT_YET
    tree.remove("/x")
    assert digests.step() == 0
    tree.put("/x", BIG)
    assert digests.of("/x", ANN).missing is Unhashed.NOT_YET
    assert digests.step() == len(BIG)


def test_a_file_that_is_too_large_is_said_to_be() -> None:
    before, module.LARGEST_BYTES = module.LARGEST_BYTES, SMALL_BYTES
    try:
        digests = Digests(Tree({"/x": BIG}))
        assert digests.of("/x", ANN).missing is Unhashed.TOO_LARGE
        assert digests.step() == 0
    finally:
        module.LARGEST_BYTES = before


def test_no_more_is_remembered_than_has_room() -> None:
    before, module._KEPT = module._KEPT, 2
    try:
        tree = Tree({f"/{n}": str(n) for n in range(3)})
        digests = Digests(tree)
        for n in (0, 1, 0, 2, 0, 1):
            digests.of(f"/{n}", ANN)
        assert tree.reads == ["/0", "/1", "/2", "/1"]
    finally:
        module._KEPT = before


def test_the_worker_reads_and_ends_when_it_is_told_to() -> None:
    tree = Tree({"/a": BIG})
    digests, stop = Digests(tree), threading.Event()
    digests.of("/a", ANN)
    done = threading.Event()

    def beat() -> None:
        if tree.reads:
            done.set()

    thread = threading.Thread(target=digests.run, args=(stop, beat))
    thread.start()
    digests.of("/a", ANN)
    assert done.wait(30)
    stop.set()
    digests.wake()
    thread.join(10)
    assert not thread.is_alive()
    assert digests.of("/a", ANN).sha256 == BIG_DIGEST

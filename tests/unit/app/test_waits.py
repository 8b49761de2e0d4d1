"""On battery what can wait waits longer; what is told as it happens, and what stands in for that, does not."""

from agent.app.waits import Waits
from agent.core.sparing import Sparing
from agent.ports import Hearing, NoEvents, Noticed, Noticer, Orders
from agent.sources.hints import HintsHealth
from agent.sources.launches import Launches
from agent.sources.processes import RECONCILE_S
from tests.sim.power import Supply


class _Hears:
    """A noticer of a machine on which nothing happens."""

    hearing = Hearing("test events")

    def turn(self, timeout_s: float) -> Noticed:
        assert timeout_s
        return Noticed()

    def heed(self, orders: Orders) -> None:
        """Nothing depends on them."""

    def interrupt(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is held."""


def waits(supply: Supply, listened: Noticer | NoEvents, unwatched: int = 0) -> Waits:
    return Waits(Sparing(supply.on_battery), Launches(lambda _: listened, ()), lambda: HintsHealth(10, unwatched))


def test_unplugged_the_sweep_the_timed_look_the_walk_and_batches_wait_and_plugged_in_again_no_more() -> None:
    supply = Supply()
    on = waits(supply, _Hears())
    ask = (on.sweep, on.configs, on.walk, on.batch)
    assert [wait(RECONCILE_S) for wait in ask] == [RECONCILE_S] * 4
    supply.unplugged = True
    assert [wait(RECONCILE_S) > RECONCILE_S for wait in ask] == [True] * 4
    supply.unplugged = False
    assert [wait(RECONCILE_S) for wait in ask] == [RECONCILE_S] * 4


def test_a_sweep_that_stands_in_for_events_never_waits() -> None:
    assert waits(Supply(unplugged=True), NoEvents("not here")).sweep(RECONCILE_S) == RECONCILE_S


def test_the_look_soon_after_something_happened_never_waits() -> None:
    assert waits(Supply(unplugged=True), _Hears()).sweep(5.0) == 5.0


def test_the_timed_look_never_waits_where_some_folders_are_not_watched() -> None:
    assert waits(Supply(unplugged=True), _Hears(), unwatched=1).configs(300.0) == 300.0

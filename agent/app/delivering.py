"""From the journal to the destinations of the settings: one delivery each, and what health says of those that cannot be used."""

from random import Random

from agent.app.destinations import Destination, Unusable, destinations
from agent.app.sender import Sender
from agent.config.settings import Settings
from agent.core.wire import ENDPOINT
from agent.ports import Clock
from agent.runtime.backoff import Backoff
from agent.runtime.budgets import Budgets
from agent.runtime.delivery import Delivery
from agent.runtime.waiting import Patience
from agent.status.health import Health
from agent.store.journal import Journal


def deliveries(  # noqa: PLR0913, PLR0917 - what a delivery consists of
    settings: Settings,
    sender: Sender,
    journal: Journal,
    clock: Clock,
    budgets: Budgets,
    health: Health,
    patience: Patience,
) -> tuple[Delivery, ...]:
    """Return a delivery for each destination, known to the journal and woken by it."""
    wanted = tuple(destinations(settings, sender, clock))
    unusable = [one for one in wanted if isinstance(one, Unusable)]
    health.hold("endpoint.unusable", " · ".join(one.text for one in unusable) or None)
    health.hold("endpoint.none", None if settings.endpoint.url is not None or settings.destination else "")
    usable = [one for one in wanted if isinstance(one, Destination)]
    found = tuple(_delivery(one, journal, clock, budgets, patience) for one in usable)
    journal.use_sinks(
        [one.sink.name for one in usable],
        waiting=[one.name for one in unusable if one.name is not None],
        addresses={} if settings.endpoint.url is None else {ENDPOINT: settings.endpoint.url},
    )
    for delivery in found:
        journal.try_again(delivery.sink.name)  # the settings may be better ones now
        journal.subscribe(delivery.wake)
    return found


def _delivery(
    destination: Destination, journal: Journal, clock: Clock, budgets: Budgets, patience: Patience
) -> Delivery:
    backoff = Backoff(Random(), budgets.delivery_base_s, budgets.delivery_cap_s)  # noqa: S311 - jitter, not secrets
    # a fresh installation reports at once: nothing waits from an earlier run, and whoever rolls it out is watching
    spread = budgets.start_spread_s if destination.far and journal.counters().last_sequence else 0.0
    hold = backoff.random.uniform(0.0, spread)
    return Delivery(destination.sink, journal, clock, backoff, budgets, patience=patience, hold_s=hold)

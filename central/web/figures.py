"""Figures for Prometheus, of this copy of the program; a scraper adds the copies up."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from central.core.receive import Taken
from central.core.refusal import Refusal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Figures:
    """The counters, in a registry of their own."""

    def __init__(self, waiting: Callable[[], tuple[int, int]]) -> None:
        self._registry = CollectorRegistry()
        self._batches = Counter("mcpc_batches", "Batches by what became of them", ["outcome"], registry=self._registry)
        self._events = Counter("mcpc_events", "Events that were stored", registry=self._registry)
        self._repeats = Counter("mcpc_repeats", "Events that had been stored before", registry=self._registry)
        self._dropped = Counter("mcpc_events_dropped", "Events that were dropped", ["reason"], registry=self._registry)
        queued = Gauge("mcpc_batches_waiting", "Batches that wait to be stored", registry=self._registry)
        queued.set_function(lambda: waiting()[0])
        held = Gauge("mcpc_waiting_bytes", "Bytes of bodies that are read or wait", registry=self._registry)
        held.set_function(lambda: waiting()[1])

    def hear(self, outcome: Taken | Refusal) -> None:
        """Count what became of a batch."""
        if isinstance(outcome, Refusal):
            self._batches.labels(outcome.code).inc()
            return
        self._batches.labels("taken").inc()
        self._events.inc(outcome.events)
        self._repeats.inc(outcome.repeats)
        for code, number in outcome.refused.items():
            self._dropped.labels(code).inc(number)

    def text(self) -> bytes:
        """Return the figures as Prometheus reads them."""
        return generate_latest(self._registry)

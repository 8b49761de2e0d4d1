"""Every budget of the daemon, in one place, with the unit in the name. The defaults are right for a laptop."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """Times in seconds (`_s`), sizes in bytes (`_bytes`); anything else is a count."""

    # Threads
    shutdown_s: float = 12.0  # for all workers together; what is left of 15 s is for closing files
    flush_s: float = 3.0  # of it, for what still waits to be delivered
    supervise_every_s: float = 5.0  # how often worker health is looked at and the watchdog fed
    beat_every_s: float = 30.0  # a waiting worker wakes this often to say that it is alive
    hung_after_s: float = 300.0  # a worker that has not beaten for this long ends the process
    crash_limit: int = 5
    crash_window_s: float = 600.0
    restart_base_s: float = 1.0
    restart_cap_s: float = 60.0

    # Looking
    look_gap_min_s: float = 0.1  # between two looks of one source, however often it is woken
    look_ahead_s: float = 0.0  # so much of these gaps may be owed: after a quiet while looks follow at once
    launch_gap_min_s: float = 0.04  # the same for the look at processes, woken by the system's events alone
    launch_ahead_s: float = 0.04  # one look: where a server ends and the next one starts, neither waits for the other
    look_gap_factor: float = 4.0  # and at least this many times what the last look took: at most a fifth of the time

    # Storing
    commit_retry_s: float = 15.0  # after the journal could not store
    outbox_max_bytes: int = 50_000_000
    history_days: float = 90.0
    history_max_rows: int = 10_000

    # Delivering
    batch_max_events: int = 500
    batch_max_bytes: int = 512 * 1024  # before compression
    linger_s: float = 3.0  # what is no alert may wait this long for company
    start_spread_s: float = 60.0  # what waits from an earlier run, alerts excepted, goes out somewhere within this time
    delivery_base_s: float = 1.0
    delivery_cap_s: float = 3_600.0
    connect_s: float = 10.0
    read_s: float = 20.0
    exchange_s: float = 30.0  # one whole attempt
    response_max_bytes: int = 64 * 1024

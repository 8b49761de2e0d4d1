"""The status in figures: Prometheus text format 0.0.4, for node_exporter's textfile collector.

https://prometheus.io/docs/instrumenting/exposition_formats/. No label holds a user, a server or a path: figures leave the device.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from agent.core.documents import StatusDocument

_PREFIX = "mcp_compliance"
_STATES = ("compliant", "deviating", "unknown")
Sample = tuple[Mapping[str, str], float]


def metrics(status: StatusDocument, dropped: Mapping[str, int]) -> str:
    """Return every figure; `dropped` counts events by the reason for which they were given up."""
    check = status.check
    open_by = Counter((row.control, row.severity.value) for row in check.deviations)
    return "".join(
        (
            _family(
                "state",
                "1 for the state in which the device is",
                [({"state": state}, float(check.summary.state == state)) for state in _STATES],
            ),
            _family("written_seconds", "Unix time of the last decision", [({}, status.written_at)]),
            _family("started_seconds", "Unix time at which the agent started", [({}, status.started_at)]),
            _family(
                "open_deviations",
                "open deviations by control and severity",
                [({"control": control, "severity": level}, n) for (control, level), n in sorted(open_by.items())],
            ),
            _family(
                "servers", "configured servers by verdict", _counted("verdict", (r.verdict for r in check.servers))
            ),
            _family("running", "running servers by verdict", _counted("verdict", (r.verdict for r in check.processes))),
            _family(
                "scopes", "places looked at by what came of it", _counted("state", (r.state for r in check.coverage))
            ),
            _family(
                "health_condition",
                "1 while the condition holds",
                [({"code": row.code, "severity": row.severity.value}, 1.0) for row in status.health],
            ),
            _family(
                "reports_waiting",
                "events that a destination has yet to take",
                [({"destination": row.sink}, row.pending) for row in status.delivery],
            ),
            _family(
                "reports_accepted_seconds",
                "Unix time at which a destination last took something",
                [({"destination": r.sink}, r.last_accepted_at) for r in status.delivery if r.last_accepted_at],
            ),
            _family(
                "events_dropped_total",
                "events that were given up, by reason",
                [({"reason": reason}, number) for reason, number in sorted(dropped.items())],
                kind="counter",
            ),
        )
    )


def _counted(label: str, values: Iterable[str]) -> list[Sample]:
    return [({label: str(value)}, number) for value, number in sorted(Counter(values).items())]


def _family(name: str, text: str, samples: Iterable[Sample], kind: str = "gauge") -> str:
    full = f"{_PREFIX}_{name}"
    lines = [f"# HELP {full} {text}", f"# TYPE {full} {kind}"]
    lines += [f"{full}{_labels(labels)} {value:.15g}" for labels, value in samples]
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    pairs = (f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return "{" + ",".join(pairs) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

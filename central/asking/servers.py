"""The servers in use anywhere, by command or URL: on how many devices, of how many people, with which verdicts.

The list is of the sums that the survey keeps, and says of when they are; one server is counted when it is asked about.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy import select

from central.asking.ask import Ask, NotThereError, Paged, Params, Row
from central.asking.device import ServerLine, server_line
from central.store.schema import devices, server_sums, servers
from central.store.summing import VERDICTS, counted, summed_at

Order = Literal["spread", "newest", "what"]
Verdict = Literal["", "allowed", "blocked", "undetermined"]
_MOST_PLACES = 500


class ServerSearch(Paged):
    """Which servers, in which order."""

    q: Annotated[str, Field(max_length=200, description="text in the command, URL or name")] = ""
    verdict: Annotated[Verdict, Field(description="only those with this verdict somewhere")] = ""
    order: Annotated[Order, Field(description="the most widespread, the newest, or by command and URL")] = "spread"


@dataclass(frozen=True, slots=True)
class ServerSpread:
    """One server on all devices. `first_seen` is when any device told of it first, and `first_device` which."""

    identity: str
    what: str
    devices: int
    users: int
    versions: tuple[str, ...]
    clients: tuple[str, ...]
    names: tuple[str, ...]
    verdicts: dict[str, int]
    first_seen: float | None
    first_device: str


@dataclass(frozen=True, slots=True)
class ServerList:
    """The servers in the wanted order, as they were counted at `as_of`, None where they were not yet.

    `next` is empty where there are no more.
    """

    as_of: float | None
    q: str
    verdict: str
    order: str
    servers: tuple[ServerSpread, ...]
    next: str


@dataclass(frozen=True, slots=True)
class Placed:
    """A server on one device."""

    device: str
    hostname: str
    server: ServerLine


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """One server and every device that it is configured on; `truncated` says that there are more."""

    server: ServerSpread
    first_hostname: str
    places: tuple[Placed, ...]
    truncated: bool


def servers_in_use(ask: Ask[ServerSearch]) -> ServerList:
    """List the servers in use."""
    params, sums = ask.params, server_sums.c
    skip = int(params.after) if params.after.isascii() and params.after.isdigit() else 0
    query = select(server_sums)
    if params.q:
        query = query.where(sums.folded.contains(params.q.lower(), autoescape=True))
    number = sums[params.verdict] if params.verdict else sums.devices
    if params.verdict:
        query = query.where(number > 0)
    by = {"spread": number.desc(), "newest": sums.first_seen.desc(), "what": sums.what}[params.order]
    query = query.order_by(by, sums.identity).limit(params.most + 1).offset(skip)
    rows = ask.connection.execute(query).mappings().all()
    shown = tuple(_spread(row) for row in rows[: params.most])
    after = str(skip + params.most) if len(rows) > params.most else ""
    return ServerList(summed_at(ask.connection), params.q, params.verdict, params.order, shown, after)


def server(ask: Ask[Params]) -> ServerAnswer:
    """Answer for the server of the path.

    Raises:
        NotThereError: no device has it.
    """
    identity = ask.place["server"]
    spread = next(counted(ask.connection, servers.c.identity == identity), None)
    if spread is None:
        raise NotThereError(f"no device has the server {identity}")
    query = select(servers, devices.c.hostname).join(devices, devices.c.device == servers.c.device)
    query = query.where(servers.c.identity == identity, servers.c.gone_at.is_(None))
    query = query.order_by(devices.c.hostname, servers.c.device, servers.c.key).limit(_MOST_PLACES + 1)
    rows = ask.connection.execute(query).mappings().all()
    places = tuple(Placed(row["device"], row["hostname"], server_line(row)) for row in rows[:_MOST_PLACES])
    first = select(devices.c.hostname).where(devices.c.device == spread["first_device"])
    hostname = ask.connection.execute(first).scalar() or ""
    return ServerAnswer(_spread(spread), hostname, places, truncated=len(rows) > _MOST_PLACES)


def _spread(row: Row) -> ServerSpread:
    """Return a row of `server_sums`."""
    own = {"verdicts", "versions", "clients", "names"}
    return ServerSpread(
        **{name: row[name] for name in ServerSpread.__dataclass_fields__ if name not in own},
        versions=tuple(row["versions"]),
        clients=tuple(row["clients"]),
        names=tuple(row["names"]),
        verdicts={name: row[name] for name in VERDICTS if row[name]},
    )

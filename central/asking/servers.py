"""The servers in use anywhere, by command or URL: on how many devices, of how many people, with which verdicts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import func, select

from central.asking.ask import Ask, NotThereError, Paged, Params
from central.asking.device import ServerLine, server_line
from central.store.schema import devices, known_servers, servers

Order = Literal["spread", "newest", "what"]
Verdict = Literal["", "allowed", "blocked", "undetermined"]
_MOST_PLACES = 500
_MOST_USERS = 20


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
    """The servers in the wanted order. `next` is empty where there are no more."""

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
    places: tuple[Placed, ...]
    truncated: bool


def servers_in_use(ask: Ask[ServerSearch]) -> ServerList:
    """List the servers in use."""
    params = ask.params
    skip = int(params.after) if params.after.isascii() and params.after.isdigit() else 0
    number, first = func.count(servers.c.device.distinct()).label("devices"), func.min(servers.c.first_seen)
    query = select(servers.c.identity, number).where(servers.c.gone_at.is_(None))
    if params.q:
        low = params.q.lower()
        said = func.lower(servers.c.what).contains(low, autoescape=True)
        query = query.where(said | func.lower(servers.c.name).contains(low, autoescape=True))
    if params.verdict:
        query = query.where(servers.c.verdict == params.verdict)
    by = {"spread": number.desc(), "newest": first.desc(), "what": func.min(servers.c.what)}[params.order]
    query = query.group_by(servers.c.identity).order_by(by, servers.c.identity).limit(params.most + 1).offset(skip)
    ids = [row.identity for row in ask.connection.execute(query)]
    more = len(ids) > params.most
    shown = ids[: params.most]
    spread = _spread(ask, shown)
    rows = tuple(spread[identity] for identity in shown)
    return ServerList(params.q, params.verdict, params.order, rows, str(skip + params.most) if more else "")


def server(ask: Ask[Params]) -> ServerAnswer:
    """Answer for the server of the path.

    Raises:
        NotThereError: no device has it.
    """
    identity = ask.place["server"]
    spread = _spread(ask, [identity])
    if identity not in spread:
        raise NotThereError(f"no device has the server {identity}")
    query = select(servers, devices.c.hostname).join(devices, devices.c.device == servers.c.device)
    query = query.where(servers.c.identity == identity, servers.c.gone_at.is_(None))
    query = query.order_by(devices.c.hostname, servers.c.device, servers.c.key).limit(_MOST_PLACES + 1)
    rows = ask.connection.execute(query).mappings().all()
    places = tuple(Placed(row["device"], row["hostname"], server_line(row)) for row in rows[:_MOST_PLACES])
    return ServerAnswer(spread[identity], places, truncated=len(rows) > _MOST_PLACES)


def _spread(ask: Ask[Any], ids: Sequence[str]) -> dict[str, ServerSpread]:
    present = (servers.c.identity.in_(ids), servers.c.gone_at.is_(None))
    totals = select(
        servers.c.identity,
        func.min(servers.c.what).label("what"),
        func.count(servers.c.device.distinct()).label("devices"),
        func.count(func.distinct(servers.c.device + "/" + servers.c.user)).label("users"),
        func.min(servers.c.first_seen).label("seen"),
    )
    found = ask.connection.execute(totals.where(*present).group_by(servers.c.identity)).all()
    first = {
        row.identity: row
        for row in ask.connection.execute(select(known_servers).where(known_servers.c.identity.in_(ids)))
    }
    columns = {name: _distinct(ask, name, present) for name in ("version", "client", "name")}
    verdicts = _verdicts(ask, present)
    return {
        row.identity: ServerSpread(
            row.identity,
            row.what,
            row.devices,
            row.users,
            columns["version"].get(row.identity, ()),
            columns["client"].get(row.identity, ()),
            columns["name"].get(row.identity, ()),
            verdicts.get(row.identity, {}),
            first[row.identity].first_seen if row.identity in first else row.seen,
            first[row.identity].device if row.identity in first else "",
        )
        for row in found
    }


def _distinct(ask: Ask[Any], name: str, present: Any) -> Mapping[str, tuple[str, ...]]:  # noqa: ANN401 - conditions
    column = servers.c[name]
    query = (
        select(servers.c.identity, column).distinct().where(*present, column != "").order_by(servers.c.identity, column)
    )
    found: dict[str, tuple[str, ...]] = {}
    for identity, value in ask.connection.execute(query):
        found[identity] = (*found.get(identity, ()), value)[:_MOST_USERS]
    return found


def _verdicts(ask: Ask[Any], present: Any) -> Mapping[str, dict[str, int]]:  # noqa: ANN401 - conditions
    number = func.count(servers.c.device.distinct())
    query = select(servers.c.identity, servers.c.verdict, number).where(*present)
    found: dict[str, dict[str, int]] = {}
    for identity, verdict, devices_with in ask.connection.execute(
        query.group_by(servers.c.identity, servers.c.verdict).order_by(servers.c.verdict)
    ):
        found.setdefault(identity, {})[verdict] = devices_with
    return found

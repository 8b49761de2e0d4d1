"""What people and programs may change, each in one transaction with its row in the audit log."""

from typing import Annotated, Any

from pydantic import Field

from central.asking.ask import Ask, Params
from central.core.access import Permission
from central.store import handling
from central.store.handling import Act, Group
from central.web.granting import GRANTS
from central.web.questions import Deed

_DAY_S = 86_400.0


class OnGroup(Params):
    """Which alerts: those of the cause in the path, on all devices or on one."""

    device: Annotated[str, Field(max_length=64, description="only on this device; empty: on all")] = ""


class Assignment(OnGroup):
    """Who is to look after them."""

    assignee: Annotated[str, Field(max_length=200, description="a person; empty: nobody")] = ""


class Comment(OnGroup):
    """What is to be said."""

    text: Annotated[str, Field(min_length=1, max_length=4_000, description="the comment")]


class Suppression(OnGroup):
    """Why, and for how long."""

    reason: Annotated[str, Field(min_length=3, max_length=1_000, description="why this is accepted")]
    days: Annotated[int, Field(ge=1, le=366, description="for how many days")]


def _group(ask: Ask[Any]) -> Group:
    return Group(ask.place["cause"], ask.params.device)


def _act(ask: Ask[Any]) -> Act:
    return Act(ask.asker.name, ask.now)


DEEDS = (
    Deed(
        path="/devices/{device}/look",
        permission=Permission.LOOK,
        do=lambda ask: handling.want_look(ask.connection, ask.place["device"], _act(ask)) or None,
        summary="Ask the agent for a fresh look at its next contact",
    ),
    Deed(
        path="/alerts/{cause}/acknowledge",
        permission=Permission.HANDLE,
        params=OnGroup,
        do=lambda ask: handling.acknowledge(ask.connection, _group(ask), _act(ask)),
        summary="Say that you look after these alerts",
    ),
    Deed(
        path="/alerts/{cause}/assign",
        permission=Permission.HANDLE,
        params=Assignment,
        do=lambda ask: handling.assign(ask.connection, _group(ask), _act(ask), ask.params.assignee) or None,
        summary="Give these alerts to somebody",
    ),
    Deed(
        path="/alerts/{cause}/comment",
        permission=Permission.COMMENT,
        params=Comment,
        do=lambda ask: handling.comment(ask.connection, _group(ask), _act(ask), ask.params.text) or None,
        summary="Write a comment on these alerts",
    ),
    Deed(
        path="/alerts/{cause}/suppress",
        permission=Permission.SUPPRESS,
        params=Suppression,
        do=lambda ask: handling.suppress(
            ask.connection, _group(ask), _act(ask), ask.params.reason, ask.now + ask.params.days * _DAY_S
        ),
        summary="Make an exception for these alerts, with a reason and an end",
    ),
    Deed(
        path="/exceptions/{exception}/end",
        permission=Permission.SUPPRESS,
        do=lambda ask: handling.end_exception(ask.connection, ask.place["exception"], _act(ask)) or None,
        summary="End an exception before its time",
    ),
    Deed(
        path="/destinations/{destination}/send-again",
        permission=Permission.HANDLE,
        do=lambda ask: handling.send_again(ask.connection, ask.place["destination"], _act(ask)),
        summary="Send what was set aside for a destination again, as far as the feed still keeps it",
    ),
    *GRANTS,
)

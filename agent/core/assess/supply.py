"""Allowed servers that may still run something else than was approved: no version is said, or the environment bends them."""

from collections.abc import Iterator, Sequence

from agent.core.artifact import overriding, unpinned
from agent.core.assess.configured import JudgedServer, shown
from agent.core.assess.results import at, deviation
from agent.core.deviation import Deviation, Evidence
from agent.core.launchers import launch
from agent.core.memo import Memo
from agent.core.server import Server, ServerScope
from agent.core.verdict import Answer


def supply_deviations(judged: Sequence[JudgedServer], memo: Memo | None = None) -> Iterator[Deviation]:
    """Yield what is loose about the servers that the policy allows by an entry of its own."""
    memo = memo or Memo()
    for item in judged:
        if item.verdict.answer is Answer.ALLOWED and item.server.command is not None:
            yield from memo.of(_loose, item)


def _loose(item: JudgedServer) -> tuple[Deviation, ...]:
    return (*_unpinned(item), *_overridden(item))


def _unpinned(item: JudgedServer) -> Iterator[Deviation]:
    server = item.server
    found = launch(server.command or ())
    package = unpinned(found) if found is not None else None
    if package is not None:
        text = f"{server.name!r} runs whatever version of {package} is newest when it starts."
        yield _deviation("server.unpinned", item, text, [])


def _overridden(item: JudgedServer) -> Iterator[Deviation]:
    found = overriding(item.server.env)
    if found and item.server.scope is not ServerScope.MANAGED:  # there the organisation itself has set them
        names = ", ".join(f"{name} ({what})" for name, what in found.items())
        text = f"The entry of {item.server.name!r} is approved, and sets {names}."
        yield _deviation("server.env-override", item, text, [Evidence("variable", name) for name in found])


def _deviation(control: str, item: JudgedServer, text: str, evidence: list[Evidence]) -> Deviation:
    server: Server = item.server
    return deviation(
        control,
        subject=server.key,
        label=f"{server.user or 'device'}: {server.name!r} ({shown(server)})",
        text=text,
        user=server.user,
        client=server.client,
        evidence=[at("entry", server.place), Evidence("command", shown(server)), *evidence],
        depends=item.depends,
    )

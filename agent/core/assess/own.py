"""What the agent itself consists of: is its program, its settings, its state out of the reach of everybody but administrators?"""

from collections.abc import Iterator

from agent.core.access import owner_and_mode, protection, writers
from agent.core.assess.results import deviation
from agent.core.deviation import Deviation, Evidence
from agent.core.observation import ManagedLook, Scope
from agent.core.place import Os


def own_deviations(look: ManagedLook, os: Os) -> Iterator[Deviation]:
    """Yield one deviation for each of the agent's own files and folders that somebody else can change."""
    for facts in look.own:
        if who := writers((facts,), look.guards, look.accounts):
            text = " ".join(sentence(reason) for reason in who)
            yield deviation(
                "agent.exposed",
                subject=facts.path,
                label=facts.path,
                text=f"{text} Who can do that can silence the agent, or make it say what is not so.",
                evidence=[
                    Evidence(
                        "file", f"{facts.path} {protection(*owner_and_mode(facts, look.guards, os))}", path=facts.path
                    )
                ],
                depends=(Scope("managed"),),
            )


def sentence(text: str) -> str:
    """Return `text` as a sentence of its own."""
    whole = text[:1].upper() + text[1:]
    return whole if whole.endswith((".", "!", "?", ".)")) else whole + "."

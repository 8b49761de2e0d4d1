"""`client.outdated`: an installed Claude Code of a version that is known to let servers past the policy.

Only what lets servers in counts, not what a version cannot do yet. Which version does what: `agent.core.policy.rulesets`.
"""

from collections.abc import Iterable, Iterator, Mapping

from agent.core.assess.results import deviation
from agent.core.deviation import Deviation, Evidence
from agent.core.observation import ConfigLook, Scope
from agent.core.policy.provided import CLAUDE_CODE
from agent.core.policy.rulesets import differences, first_without, rules_for

_HOLES: Mapping[str, str] = {
    "lists": "it knows neither allowedMcpServers nor deniedMcpServers",
    "dropins": "it does not read managed-settings.d",
    "judges_dynamic": "servers given by --mcp-config are not held to the lists",
    "judges_agents": "servers of agent files are not held to the lists",
    "drops_bad_entry": "one invalid entry costs the whole managed policy",
    "drops_bad_value": "one value of a wrong type costs the whole managed policy",
    "refuses_malformed": "managed settings that are no JSON are ignored",
    "closes_wrong_types": "a list or lock of a wrong type is ignored",
}
"""What a version does wrong that lacks a rule, the worst first."""

SOUND_SINCE = first_without(frozenset(_HOLES))


def holes_of(version: str | None) -> list[str]:
    """Return what a version of Claude Code does wrong, the worst first; of one that is not known nothing."""
    missing = differences(rules_for(version)[0]) if version is not None else ()
    return [text for name, text in _HOLES.items() if name in missing]


def outdated_deviations(looks: Iterable[ConfigLook]) -> Iterator[Deviation]:
    """Yield a deviation for every user whose Claude Code has such a hole; a version that is not known has none."""
    for look in looks:
        version = look.client_versions.get(CLAUDE_CODE)
        holes = holes_of(version)
        if holes:
            user = look.user.name
            yield deviation(
                "client.outdated",
                subject=f"{user} {CLAUDE_CODE}",
                label=f"{user}: {CLAUDE_CODE} {version}",
                text=f"Claude Code {version} of {user} lets servers past the policy: {holes[0]}.",
                remediation=f"Update it to {SOUND_SINCE} or newer, and keep users from holding updates back.",
                user=user,
                client=CLAUDE_CODE,
                evidence=[Evidence("version", str(version)), *(Evidence("hole", hole) for hole in holes)],
                depends=(Scope("config", user, CLAUDE_CODE),),
            )

import pytest

from agent.core.assess.outdated import SOUND_SINCE, outdated_deviations
from agent.core.deviation import Deviation
from agent.core.observation import ConfigLook
from agent.core.place import User
from agent.core.policy.rulesets import NEWEST_RECORDED

ANN = User(name="ann", home="/home/ann", uid=1000)


def found(version: str | None) -> list[Deviation]:
    look = ConfigLook(ANN, client_versions={"claude-code": version} if version else {})
    return list(outdated_deviations([look]))


@pytest.mark.parametrize("version", [None, SOUND_SINCE, NEWEST_RECORDED, "9.9.9"])
def test_a_version_without_holes_and_one_that_is_not_known_are_not_told(version: str | None) -> None:
    assert found(version) == []


@pytest.mark.parametrize(
    ("version", "hole"),
    [
        ("2.1.281", "managed settings that are no JSON are ignored"),
        ("2.1.165", "one value of a wrong type costs the whole managed policy"),
        ("2.1.82", "it does not read managed-settings.d"),
        ("2.0.21", "it knows neither allowedMcpServers nor deniedMcpServers"),
    ],
)
def test_an_old_version_is_told_with_its_worst_hole_and_the_version_that_has_none(version: str, hole: str) -> None:
    (deviation,) = found(version)
    assert deviation.key.control == "client.outdated"
    assert (deviation.user, deviation.client) == ("ann", "claude-code")
    assert hole in deviation.text
    assert f"{SOUND_SINCE} or newer" in deviation.remediation

"""Which processes start servers, while programs start by the thousand."""

from agent.core.recognition.triage import Role
from agent.sources.hosts import HOSTS_MAX, OTHERS_MAX, Hosts


def test_hosts_outlast_any_number_of_other_programs_and_both_are_bounded() -> None:
    hosts = Hosts()
    hosts.remember(1, Role.CLIENT)
    for pid in range(100, 100 + 2 * OTHERS_MAX):
        hosts.remember(pid, Role.NONE)
    assert (hosts.role(1), hosts.role(100), hosts.role(99 + 2 * OTHERS_MAX)) == (Role.CLIENT, None, Role.NONE)
    for pid in range(10_000, 10_000 + HOSTS_MAX):
        hosts.remember(pid, Role.LAUNCHER)
    assert (hosts.role(1), hosts.role(10_000)) == (None, Role.LAUNCHER)


def test_a_host_that_became_another_program_is_none() -> None:
    hosts = Hosts()
    hosts.remember(1, Role.LAUNCHER)
    assert hosts
    hosts.remember(1, Role.NONE)
    assert (bool(hosts), hosts.role(1)) == (False, Role.NONE)


def test_a_sweep_lets_go_of_what_has_ended_and_not_of_what_started_meanwhile() -> None:
    hosts = Hosts()
    hosts.remember(1, Role.LAUNCHER)
    hosts.swept({1, 5}, {5})
    hosts.remember(2, Role.LAUNCHER)
    hosts.swept({1, 5}, {5})
    assert [hosts.role(pid) for pid in (1, 2, 5)] == [Role.LAUNCHER, Role.LAUNCHER, Role.CLIENT]
    hosts.swept({5}, {5})
    assert [hosts.role(pid) for pid in (1, 2, 5)] == [None, None, Role.CLIENT]

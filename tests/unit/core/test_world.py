from agent.core.observation import ConfigLook, ManagedLook, ProcessLook
from agent.core.place import User
from agent.core.world import World

ANN, BOB = ConfigLook(User("ann", "/home/ann")), ConfigLook(User("bob", "/home/bob"))


def test_a_user_who_is_gone_is_gone_from_the_world() -> None:
    world = World().updated([ANN, BOB]).updated([BOB])
    assert world.configs == (BOB,)


def test_a_machine_without_users_has_been_looked_at() -> None:
    world = World().updated([])
    assert world.configs == ()
    assert world.looked == {"config"}


def test_the_look_of_one_source_leaves_the_others_as_they_were() -> None:
    managed, processes = ManagedLook("/etc/claude-code"), ProcessLook()
    world = World().updated([managed]).updated([processes]).updated([ANN])
    assert (world.managed, world.processes, world.configs) == (managed, processes, (ANN,))
    assert world.looked == {"config", "managed", "process"}

"""The approved command is there, and something else runs: each way to swap it, and each ordinary way that is none."""

from dataclasses import replace

import pytest

from agent.core.artifact import Artifact, InsteadOf, Unhashed, purl
from agent.core.assess import Assessment, assess
from agent.core.deviation import Sighting
from agent.core.observation import Process, ProcessLook
from agent.core.stores import npx_key
from agent.core.world import World
from tests.sim.worlds import QUIET, TERMS, configs, managed, running, server

HOME = "/home/ann"
NPX = f"{HOME}/.npm/_npx/{npx_key(['approved@1.0.0'])}/node_modules"


def policy(*command: str) -> dict[str, object]:
    return {"allowedMcpServers": [{"serverCommand": list(command)}], "allowManagedMcpServersOnly": True}


def tree(*lines: tuple[str, ...], artifact: Artifact | None = None) -> ProcessLook:
    """A client, and below it one process for each line, each started by the one before and all on the same wire."""
    look = running("claude", *lines[0])
    host, first = look.processes
    chain = [
        Process(11 + n, 2.0 + n, 10 + n, line[0], "ann", None, line, wires=first.wires) for n, line in enumerate(lines)
    ]
    found = {chain[-1].identity: artifact} if artifact is not None else {}
    return replace(look, processes=(host, *chain), artifacts=found)


def judged(command: tuple[str, ...], look: ProcessLook) -> Assessment:
    return assess(World(configs(server("a", *command)), managed(policy(*command)), look), TERMS)[0]


def why(command: tuple[str, ...], look: ProcessLook) -> str | None:
    found = judged(command, look)
    (row,) = found.processes
    assert (row.verdict, row.matches is not None) == ("allowed", True)
    texts = [item.text for item in found.deviations if item.key.control == "server.substituted"]
    assert len(texts) < 2
    return texts[0] if texts else None


def package(kind: str, name: str, version: str, program: str = "/x") -> Artifact:
    return Artifact(program=program, package=name, version=version, purl=purl(kind, name, version), sha256="ab")


DIGEST = "66458f78675ae54fe8c5464777ec461f7f074a42e602f55f76b7c596326dac1b"
COMMAND = ("npx", "-y", "approved@1.0.0")
SWAPPED = ("tickets", "serve")
CONTROL = "server.substituted"
SHIM = ("node", f"{NPX}/.bin/approved")


def test_a_wrapper_of_the_launchers_name_that_starts_another_program() -> None:
    text = why(COMMAND, tree(("sh", f"{HOME}/bin/npx", "-y", "approved@1.0.0"), ("python3", f"{HOME}/evil.py")))
    assert text == (
        "Its command is approved, but it starts approved, and what runs comes from no package that npx brings."
    )


def test_npx_giving_another_package_or_another_version() -> None:
    node = ("node", f"{HOME}/proj/node_modules/.bin/approved")
    look = tree(("npm exec approved@1.0.0", ""), node, artifact=package("npm", "evil", "9.9.9"))
    assert why(COMMAND, look) == "Its command is approved, but it starts approved, and pkg:npm/evil@9.9.9 runs."
    look = tree(("npm exec approved@1.0.0", ""), node, artifact=package("npm", "approved", "2.0.0"))
    assert why(COMMAND, look) == "Its command is approved, but it names version 1.0.0 of approved, and 2.0.0 runs."


def test_a_script_of_a_virtual_environment_that_was_edited_to_run_another_module() -> None:
    command = (f"{HOME}/.venv/bin/approved",)
    artifact = replace(package("pypi", "approved", "1.0"), recorded="cd")
    text = why(command, tree((f"{HOME}/.venv/bin/python", *command), artifact=artifact))
    assert text is not None
    assert "not as pkg:pypi/approved@1.0 installed it" in text
    assert why(command, tree((f"{HOME}/.venv/bin/python", *command), artifact=replace(artifact, recorded="ab"))) is None


def test_the_evidence_names_the_file_and_the_digest_and_nothing_of_the_arguments() -> None:
    found = package("npm", "evil", "9.9.9", "/home/ann/evil/index.js")
    artifact = replace(found, owner="ann", named="/usr/bin/x", sha256=DIGEST)
    look = tree(("npm exec approved@1.0.0", ""), ("node", f"{HOME}/x/node_modules/.bin/approved"), artifact=artifact)
    (told,) = (item for item in judged(COMMAND, look).deviations if item.key.control == "server.substituted")
    assert [(fact.kind, fact.text) for fact in told.evidence] == [
        ("process", "node"),
        ("program", "/home/ann/evil/index.js"),
        ("sha256", f"sha256:{DIGEST}"),
        ("purl", "pkg:npm/evil@9.9.9"),
        ("named", "/usr/bin/x"),
        ("owner", "ann"),
    ]


@pytest.mark.parametrize(
    ("command", "look"),
    [
        (COMMAND, tree(("npm exec approved@1.0.0", ""), ("sh", "-c", "approved"), SHIM)),
        (COMMAND, tree(("npm exec approved@1.0.0", ""), SHIM, artifact=package("npm", "approved", "1.0.0"))),
        (COMMAND, tree(("npm exec approved@1.0.0", ""), SHIM, artifact=package("npm", "brought", "3.0.0", SHIM[1]))),
        (COMMAND, tree(("npm exec approved@1.0.0", ""))),
        (("npx", "-y", "approved"), tree(("npm exec approved", ""), SHIM, artifact=package("npm", "approved", "7.0.0"))),
        (("npx", "-y", "approved@1.2"), tree(("npm exec approved@1.2", ""), artifact=package("npm", "approved", "1.2.9"))),
        (
            ("uvx", "approved==1.2.0"),
            tree(("uvx", "approved==1.2.0"), ("python", "/c/archive-v0/a/x"), artifact=package("pypi", "approved", "1.2")),
        ),
        (
            ("uvx", "--from", "git+https://git.example.com/x", "approved"),
            tree(
                ("uvx", "--from", "git+https://git.example.com/x", "approved"),
                ("python", "/c/archive-v0/a/bin/approved"),
                artifact=package("pypi", "x", "1"),
            ),
        ),
        (
            ("npx", "-y", "github:vendor/approved"),
            tree(("npm exec github:vendor/approved", ""), ("node", "/p/x.js"), artifact=package("npm", "x", "1.0.0")),
        ),
        (("uvx", "approved"), tree(("uvx", "approved"), ("python", "/c/archive-v0/a/bin/approved"))),
        (("node", "/opt/a.js"), tree(("node", "/opt/a.js"), artifact=package("npm", "any", "1.0.0"))),
    ],
)  # fmt: skip
def test_what_the_command_yields_is_no_substitute(command: tuple[str, ...], look: ProcessLook) -> None:
    assert why(command, look) is None


def test_of_a_server_that_is_not_approved_it_is_enough_to_say_that() -> None:
    look = tree(("npm exec other", ""), ("python3", "/evil.py"))
    world = World(configs(server("a", "npx", "-y", "other")), managed(policy("npx", "approved")), look)
    assert "server.substituted" not in {item.key.control for item in assess(world, TERMS)[0].deviations}


def test_a_link_that_was_replaced_is_told_with_the_server() -> None:
    """What a link of an approved path should lead to nobody says: the record shows where it leads, and the digest."""
    artifact = Artifact(program=f"{HOME}/evil", named="/opt/approved", sha256="ab", writable=True)
    found = judged(("/opt/approved",), tree(("/opt/approved",), artifact=artifact))
    (row,) = found.processes
    assert row.artifact is not None
    assert (row.artifact["program"], row.artifact["named"]) == (f"{HOME}/evil", "/opt/approved")


OWN = Artifact(program=f"{HOME}/bin/tickets", writable=True)
BEFORE = replace(OWN, instead_of=InsteadOf("/usr/bin/tickets", by_link=False))
LED = replace(OWN, instead_of=InsteadOf("/opt/tickets", by_link=True))


def test_a_program_of_the_user_that_stands_before_the_one_of_the_approved_name() -> None:
    command = ("tickets", "serve")
    for line in (command, ("/bin/sh", f"{HOME}/bin/tickets", "serve")):
        text = why(command, tree(line, artifact=BEFORE))
        assert text == (
            "Its command is approved, but /home/ann/bin/tickets runs, which its user can change, "
            "and stands before /usr/bin/tickets, which only administrators can."
        )
        assert why(command, tree(line, artifact=OWN)) is None
    of_home = (f"{HOME}/bin/tickets", "serve")
    assert why(of_home, tree(of_home, artifact=BEFORE)) is None, "the path in the home was approved"


def _beside(own: str | None, theirs: str | None, executable: str = f"{HOME}/bin/tickets") -> Artifact:
    missing = Unhashed.NOT_YET
    instead = InsteadOf("/usr/bin/tickets", by_link=False, sha256=theirs, unhashed=None if theirs else missing)
    return replace(OWN, executable=executable, sha256=own, unhashed=None if own else missing, instead_of=instead)


def test_a_copy_byte_for_byte_is_no_substitute_and_is_noted() -> None:
    command = ("tickets", "serve")
    look = tree(command, artifact=_beside("ab", "ab"))
    assert why(command, look) is None
    (row,) = judged(command, look).processes
    assert row.notes == ("It is a copy of /usr/bin/tickets, byte for byte the same, where its user can change it.",)
    assert why(command, tree(command, artifact=_beside("ab", "cd"))) is not None


def test_a_copy_of_a_script_is_one_as_what_lies_beside_it_is_loaded_first() -> None:
    command = ("tickets", "serve")
    look = tree(("python3", f"{HOME}/bin/tickets", "serve"), artifact=_beside("ab", "ab", "/usr/bin/python3"))
    assert (why(command, look) or "").endswith("the two are the same, but what lies beside a script is loaded first.")


def _sighting(command: tuple[str, ...], look: ProcessLook) -> Sighting:
    """What a look says of the substitute of which another look told."""
    (told,) = (one for one in judged(SWAPPED, tree(SWAPPED, artifact=BEFORE)).deviations if one.key.control == CONTROL)
    return judged(command, look).findings.sighting(told.key, tuple(map(str, told.depends)))


@pytest.mark.parametrize("artifact", [_beside(None, "ab"), _beside("ab", None)])
def test_before_both_are_hashed_nothing_is_said_and_nothing_is_taken_back_and_not_for_ever(artifact: Artifact) -> None:
    look = tree(SWAPPED, artifact=artifact)
    assert why(SWAPPED, look) is None
    assert _sighting(SWAPPED, look) is Sighting.UNKNOWN
    assert artifact.instead_of is not None
    overdue = replace(artifact, instead_of=replace(artifact.instead_of, overdue=True))
    assert _sighting(SWAPPED, tree(SWAPPED, artifact=overdue)) is Sighting.PRESENT


def test_what_was_told_is_taken_back_once_it_was_looked_at_or_ended() -> None:
    assert _sighting(SWAPPED, tree(SWAPPED)) is Sighting.UNKNOWN, "as after an event, before files are read"
    altered = replace(OWN, recorded="ab", unhashed=Unhashed.NOT_YET)
    assert _sighting(SWAPPED, tree(SWAPPED, artifact=altered)) is Sighting.UNKNOWN
    assert _sighting(SWAPPED, tree(SWAPPED, artifact=_beside("ab", "ab"))) is Sighting.GONE
    assert _sighting(SWAPPED, QUIET) is Sighting.GONE


def test_an_approved_path_that_is_a_link_to_what_its_user_can_change() -> None:
    command = ("/opt/tickets", "serve")
    text = why(command, tree(command, artifact=LED))
    assert (
        text
        == "Its command is approved, but /opt/tickets is a link to /home/ann/bin/tickets, which its user can change."
    )

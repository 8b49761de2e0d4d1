"""The pages for people: every command is one, every path is ours, every file is there, every step, in the right order."""

import argparse
import io
import json
import plistlib
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path

import pytest
import yaml

from agent.cli.main import VERBS, _parser, main
from agent.core.own_places import PLACES
from central.cli.main import VERBS as CENTRAL
from central.cli.main import _parser as central_parser

CHECKOUT = Path(__file__).resolve().parents[3]
MDM = CHECKOUT / "packaging/mdm"
PAGES = [
    *(page for page in sorted(CHECKOUT.glob("*.md")) if page.name != "CHANGELOG.md"),  # which may name what is gone
    CHECKOUT / "benchmarks/README.md",
    CHECKOUT / "osquery_tables/README.md",
    *sorted((CHECKOUT / "docs").rglob("*.md")),
    *sorted((CHECKOUT / "packaging").rglob("*.md")),
]
SYSTEMS = sorted(path.parent.name for path in MDM.glob("*/README.md"))
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))


def commands(page: Path) -> Iterator[str]:
    """Yield every command line of a page: those of its blocks, and what stands in back quotes and begins as a command does."""
    text = page.read_text()
    for block in re.findall(r"```(?:sh|powershell)\n(.*?)```", text, re.DOTALL):
        joined = re.sub(r"\\\n\s*", "", block)
        yield from (re.split(r"\s+# ", line)[0].strip() for line in joined.splitlines() if line.strip())
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    yield from (
        code
        for code in re.findall(r"`([^`\n]+)`", prose)
        if re.match(r"(sudo )?(mcp-compliance(-central)?|make) \S", code)
    )


def words(command: str) -> list[str]:
    return [word for word in shlex.split(command.replace("…", "")) if word != "sudo"]


def alternatives(command: str) -> Iterator[str]:
    """Yield what a table writes as one: `a|b` and `[--option]`."""
    command = re.sub(r"\[([^\]]*)\]", r"\1", command.replace("\\|", "|"))
    found = re.search(r"[\w-]+(\|[\w-]+)+", command)
    for choice in found[0].split("|") if found else [""]:
        yield command.replace(found[0], choice, 1) if found else command


@every_page
def test_every_command_of_ours_is_one_that_the_program_takes(page: Path) -> None:
    for command in commands(page):
        for single in alternatives(command):
            argv = words(single)
            if argv[0] == "mcp-compliance-central":
                assert argv[1] in CENTRAL or argv[1].startswith("-"), command
                taken(central_parser(argv[1])[0], argv[1:], command)
            if argv[0] != "mcp-compliance" or argv[1:] == ["VERB", "--help"] or argv[1].startswith("-"):
                continue
            argv = ["check" if word == "NAME" else word for word in argv]  # a name of a schema
            verb = argv[1]
            assert verb in VERBS, command
            parser, module = _parser(verb)
            assert module is not None
            taken(parser, argv[1:], command)


def taken(parser: argparse.ArgumentParser, argv: Sequence[str], command: str) -> None:
    try:
        parser.parse_args(argv)
    except SystemExit as end:
        bare = not any(word.startswith("-") for word in argv) and len(argv) <= 2
        assert end.code == 0 or bare, command  # noqa: PT017 - a bare name in a sentence wants arguments


NAMED = re.compile(
    r"`((?:agent|central|tests|packaging|docs|benchmarks|osquery_tables|core)/[\w./*-]+|[\w*]+\.(?:py|sh|ps1|spec|wxs))`"
)
"""What a page calls a file or folder of the checkout: by its path, or a program by its name."""


@every_page
def test_every_file_of_the_checkout_that_is_named_is_there(page: Path) -> None:
    for name in NAMED.findall(page.read_text()):
        anywhere = (CHECKOUT, CHECKOUT / "agent", page.parent)
        found = any(next(folder.glob(name), None) for folder in anywhere)
        assert found or ("/" not in name and name in PROGRAMS), name


PROGRAMS = {
    file.name
    for top in ("agent", "central", "tests", "packaging", "benchmarks")
    for file in (CHECKOUT / top).rglob("*.*")
}


def test_the_map_names_every_room() -> None:
    text = (CHECKOUT / "ARCHITECTURE.md").read_text()
    rooms = [
        path.relative_to(CHECKOUT).as_posix()
        for top in ("agent", "central")
        for path in (CHECKOUT / top).iterdir()
        if (path / "__init__.py").exists() and path.name != "cli"
    ]
    assert [room for room in rooms if f"| `{room}`" not in text] == []


@every_page
def test_every_target_of_make_is_one(page: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
    for command in commands(page):
        argv = words(command)
        if argv[0] == "make":
            named = {word for word in argv[1:] if re.fullmatch(r"[a-z0-9-]+", word) and not word.startswith("-")}
            assert named <= targets, command


@every_page
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([\w-]+))?\)", page.read_text()):
        file = page.parent / target if target else page
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@every_page
def test_every_place_of_ours_is_where_the_program_has_it(page: Path) -> None:
    ours = {Path(place.settings).parent.as_posix() for place in PLACES.values()}
    ours |= {value.replace("\\", "/") for place in PLACES.values() for value in (place.program, place.state)}
    ours |= {place.settings.replace("\\", "/").rpartition("/")[0] for place in PLACES.values()}
    ours |= {row["dst"] for row in yaml.safe_load((CHECKOUT / "packaging/linux/nfpm.yaml").read_text())["contents"]}
    for code in re.findall(r"`([^`\n]+)`", page.read_text()):
        path = code.replace("\\", "/")
        if re.match(r"(/|C:/).*(mcp-compliance-agent|MCP ?Compliance ?Agent)", path) and " -" not in path:
            assert any(path == place or path.startswith((f"{place}/", f"{place};")) for place in ours), code


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_system_s_page_has_every_step(system: str) -> None:
    text = (MDM / system / "README.md").read_text()
    steps = [
        "**Verify**",
        "**Update**",
        "**Roll back**",
        "**Remove**",
        "install-token.",
        "aseline",
        "#the-order-of-a-roll-out",
    ]
    assert [step for step in steps if step not in text] == []
    assert f"]({system}/README.md)" in (MDM / "README.md").read_text()


def test_there_is_a_page_for_every_system_that_was_promised() -> None:
    assert set(SYSTEMS) == {"fleet", "intune", "jamf", "kandji", "munki", "wsone"}


def test_the_profiles_are_made_as_the_page_says(tmp_path: Path) -> None:
    (command,) = (line for line in commands(MDM / "README.md") if "mdm_files.py" in line)
    argv = words(command)
    assert (CHECKOUT / argv[1]).exists()
    (tmp_path / "mcp-baseline-key.pub").write_text("ssh-ed25519 AAAA someone\n")
    subprocess.run([sys.executable, str(CHECKOUT / argv[1]), *argv[2:]], check=True, cwd=tmp_path)
    made = plistlib.loads((tmp_path / "profiles/settings.mobileconfig").read_bytes())
    assert made["PayloadContent"][0]["baseline"] == {"public_keys": ["ssh-ed25519 AAAA someone"]}


class Fleet:
    """One device (a folder), and the organisation's key; steps are carried out with the commands of the page."""

    def __init__(self, folder: Path) -> None:
        self.root, self._folder = folder / "device", folder
        self._key = folder / "mcp-baseline-key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self._key)], check=True)
        self._settings = folder / "agent.toml"
        public = self._key.with_suffix(".pub").read_text().strip()
        self._settings.write_text(f"[baseline]\npublic_keys = [{json.dumps(public)}]\n")
        (self.root / "etc/mcp-compliance-agent/baselines").mkdir(parents=True)

    def policy(self, *urls: str, root: Path | None = None) -> None:
        """Deploy a managed policy that allows these addresses."""
        file = (root or self.root) / "etc/claude-code/managed-settings.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        rules = [{"serverUrl": url} for url in urls]
        file.write_text(json.dumps({"allowManagedMcpServersOnly": True, "allowedMcpServers": rules}))

    def baseline(self, serial: int, *urls: str, holds_from: int | None = None) -> None:
        """Make and sign a baseline of a policy, and deploy it."""
        model, name = self._folder / f"model-{serial}", f"policy-{serial}.json"
        self.policy(*urls, root=model)
        file = self.root / "etc/mcp-compliance-agent/baselines" / name
        older = ["--holds-from", str(holds_from)] if holds_from else []
        self._run(
            "baseline",
            "create",
            "--root",
            str(model),
            "--os",
            "linux",
            "--serial",
            str(serial),
            *older,
            str(file),
        )
        self._run("baseline", "sign", str(file), "--key", str(self._key))

    def withdraw(self, *serials: int) -> None:
        """Take baselines off the device."""
        for file in (self.root / "etc/mcp-compliance-agent/baselines").iterdir():
            if file.name.split(".")[0] in {f"policy-{serial}" for serial in serials}:
                file.unlink()

    def deviations(self) -> set[str]:
        told = self._run(
            "check", "--root", str(self.root), "--os", "linux", "--json", "--settings", str(self._settings)
        )
        return {row["control"] for row in json.loads(told)["deviations"]} - {"managed-file.exposed"}

    @staticmethod
    def _run(*argv: str) -> str:
        told = io.StringIO()
        with redirect_stdout(told):
            main(argv)
        return told.getvalue()


OLD, NEW = "https://a.example/*", "https://b.example/*"


@pytest.fixture
def device(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path)


def test_in_the_order_of_the_page_nothing_deviates_that_should_not(device: Fleet) -> None:
    device.policy(OLD)
    device.baseline(1, OLD)
    assert device.deviations() == set(), "rolled out"
    device.baseline(2, NEW, holds_from=1)
    assert device.deviations() == set(), "the new baseline, the old files"
    device.policy(NEW)
    assert device.deviations() == set(), "the new files"
    device.baseline(3, NEW)
    assert device.deviations() == {"baseline.refused"}, "those that do not count any more are to go"
    device.withdraw(1, 2)
    assert device.deviations() == set(), "the old files do not count any more"
    device.policy(OLD)
    assert device.deviations() == {"managed-file.modified"}
    device.baseline(4, OLD, holds_from=3)
    assert device.deviations() == set(), "back to the old policy"


def test_the_baseline_before_the_policy_deviates_as_the_page_warns(device: Fleet) -> None:
    device.baseline(1, OLD)
    assert "managed-file.missing" in device.deviations()


def test_new_files_before_their_baseline_deviate(device: Fleet) -> None:
    device.policy(OLD)
    device.baseline(1, OLD)
    device.policy(NEW)
    assert device.deviations() == {"managed-file.modified"}

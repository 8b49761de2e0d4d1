"""The launch daemon and the package for macOS, against Apple's published keys and against stand-ins for Apple's tools."""

import os
import platform
import plistlib
import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from agent.core.own_places import PLACES, PREFERENCES_DOMAIN
from agent.runtime.budgets import Budgets

MACOS = Path(__file__).parents[3] / "packaging/macos"
PLACE = PLACES["macos"]
DAEMON: dict[str, Any] = plistlib.loads((MACOS / f"{PREFERENCES_DOMAIN}.plist").read_bytes())

# launchd.plist(5), macOS 14: the keys that we use, each with the type that it wants.
KEYS: dict[str, type] = {
    "Label": str,
    "ProgramArguments": list,
    "RunAtLoad": bool,
    "KeepAlive": bool,
    "ThrottleInterval": int,
    "ExitTimeOut": int,
    "ProcessType": str,
    "Nice": int,
    "LowPriorityIO": bool,
    "LowPriorityBackgroundIO": bool,
    "Umask": int,
    "HardResourceLimits": dict,
    "SoftResourceLimits": dict,
    "StandardErrorPath": str,
}
LIMITS = {
    "Core",
    "CPU",
    "Data",
    "FileSize",
    "MemoryLock",
    "NumberOfFiles",
    "NumberOfProcesses",
    "ResidentSetSize",
    "Stack",
}
PROCESS_TYPES = {"Background", "Standard", "Adaptive", "Interactive"}

posix = pytest.mark.skipif(os.name != "posix", reason="shell scripts")


def test_every_key_of_the_daemon_is_one_of_launchd_s_and_of_its_type() -> None:
    assert {key: type(value) for key, value in DAEMON.items()} == KEYS
    assert DAEMON["ProcessType"] in PROCESS_TYPES
    for limits in (DAEMON["HardResourceLimits"], DAEMON["SoftResourceLimits"]):
        assert set(limits) <= LIMITS
        assert {type(limit) for limit in limits.values()} == {int}


def test_it_starts_the_program_where_the_package_puts_it() -> None:
    assert DAEMON["Label"] == PREFERENCES_DOMAIN
    assert DAEMON["ProgramArguments"] == [f"{PLACE.program}/mcp-compliance", "run", "--quiet"]


def test_launchd_waits_longer_than_the_program_needs_and_lets_only_root_read_what_it_makes() -> None:
    assert DAEMON["ExitTimeOut"] > Budgets().shutdown_s
    assert DAEMON["Umask"] == 0o077


def test_its_log_is_rotated() -> None:
    rule = (MACOS / f"{PREFERENCES_DOMAIN}.newsyslog.conf").read_text().splitlines()[1].split()
    assert rule[0] == DAEMON["StandardErrorPath"]


def test_the_entitlements_are_a_property_list_of_permissions() -> None:
    given = plistlib.loads((MACOS / "entitlements.plist").read_bytes())
    assert set(given.values()) == {True}
    assert all(key.startswith("com.apple.security.cs.") for key in given)


def test_the_installer_asks_nothing() -> None:
    script = ET.parse(MACOS / "distribution.xml").getroot()
    options = script.find("options")
    assert options is not None
    assert options.get("customize") == "never"
    assert not {"license", "welcome", "readme", "conclusion"} & {element.tag for element in script}


def test_removal_keeps_settings_and_a_purge_does_not() -> None:
    before, _, purge = (MACOS / "uninstall.sh").read_text().partition("--purge ]")
    base = PLACE.settings.rpartition("/")[0]
    assert base not in before
    assert f'"{base}"' in purge


class Bench:
    """A frozen program, and stand-ins for Apple's tools that write down how they were called."""

    def __init__(self, folder: Path) -> None:
        self._log, self._tools = folder / "calls.txt", folder / "bin"
        self.program, self.pkg = folder / "dist", folder / "agent.pkg"
        internal = self.program / "_internal"
        internal.mkdir(parents=True)
        (self.program / "mcp-compliance").touch(mode=0o755)
        (internal / "a library.dylib").touch()
        (internal / "data.toml").touch()
        self._tools.mkdir()
        self._log.touch()
        for name in ("pkgbuild", "productbuild", "codesign", "xcrun", "spctl"):
            tool = self._tools / name
            tool.write_text(f'#!/bin/sh\necho "{name} $*" >>"{self._log}"\n')
            tool.chmod(0o755)

    def build(self, **environment: str) -> "subprocess.CompletedProcess[str]":
        command = [str(MACOS / "build-pkg.sh"), str(self.program), "1.2.3", str(self.pkg)]
        path = f"{self._tools}:/usr/bin:/bin"
        return subprocess.run(
            command, check=False, capture_output=True, text=True, env={"PATH": path, "TMPDIR": "/tmp", **environment}
        )

    @property
    def calls(self) -> list[str]:
        return self._log.read_text().splitlines()


@posix
def test_without_identities_a_package_is_built_and_nothing_is_signed(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    assert bench.build().returncode == 0
    assert [call.split()[0] for call in bench.calls] == ["pkgbuild", "productbuild"]
    assert "--version 1.2.3" in bench.calls[0]
    assert f"--identifier {PREFERENCES_DOMAIN}" in bench.calls[0]


@posix
def test_with_everything_it_is_signed_from_the_inside_out_then_notarised_and_stapled(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    done = bench.build(APPLICATION_IDENTITY="App", INSTALLER_IDENTITY="Inst", NOTARY_PROFILE="profile")
    assert done.returncode == 0, done.stderr
    library, program, verify, component, product, notarise, staple, assess = bench.calls
    assert library.endswith("a library.dylib")
    assert "--options runtime" in library
    assert f"--identifier {PREFERENCES_DOMAIN}" in program
    assert "entitlements.plist" in program
    assert program.endswith("/mcp-compliance")
    assert verify.startswith("codesign --verify")
    assert component.startswith("pkgbuild")
    assert "--sign Inst" in product
    assert notarise == f"xcrun notarytool submit {bench.pkg} --keychain-profile profile --wait"
    assert staple == f"xcrun stapler staple {bench.pkg}"
    assert assess.startswith("spctl --assess --type install")


@posix
def test_what_is_not_signed_is_not_sent_to_apple(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    done = bench.build(NOTARY_PROFILE="profile")
    assert done.returncode == 2
    assert "APPLICATION_IDENTITY" in done.stderr
    assert bench.calls == []


@posix
@pytest.mark.skipif(
    platform.system() == "Darwin" or shutil.which("pkgbuild") is not None, reason="Apple's tools are here"
)
def test_elsewhere_than_on_macos_it_says_so(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    done = bench.build(PATH="/usr/bin:/bin")
    assert done.returncode == 2
    assert "made on macOS" in done.stderr

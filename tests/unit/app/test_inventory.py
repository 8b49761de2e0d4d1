"""Whatever is missing from a program is told by the self-check, part by part."""

import json
import sys
import zipfile
from pathlib import Path

import pytest

from agent.app import inventory as taking
from agent.app.inventory import PARTS, Part, counts, inventory
from agent.catalog.rows import catalog
from agent.cli.main import main


def test_everything_loads_in_the_source_tree_and_nothing_is_counted_as_none() -> None:
    parts = inventory({})
    assert [part.name for part in parts] == list(PARTS)
    assert all(part.count for part in parts), parts
    assert counts(parts)["client rows"] == len(list(Path("agent/catalog/clients").glob("*.toml")))


def test_every_module_of_this_system_is_loaded() -> None:
    inventory({})
    here = {
        ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        for path in Path("agent").rglob("*.py")
        if not path.stem.endswith(taking._OTHER_SYSTEMS[sys.platform])
    }
    assert here <= set(sys.modules)
    assert counts(inventory({}))["modules"] == len(here) - 1  # the package itself is no part of itself


def test_fewer_than_were_built_in_are_told_with_what_there_were(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(taking, "_written", lambda: {"client rows": len(catalog().rows) + 1})
    assert main(["selfcheck"]) == 1
    said = capsys.readouterr().out
    assert f"client rows   MISSING: there were {len(catalog().rows) + 1} when it was built" in said
    assert said.splitlines()[-1] == "This program is not whole: install it anew."


@pytest.mark.parametrize("lost", ["agent.sinks.jsonl", "cryptography.hazmat.primitives.asymmetric.ed25519"])
def test_a_module_that_went_missing_costs_its_part_and_is_named(
    lost: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, lost, None)  # what importing then raises is what a missing module raises
    assert main(["selfcheck", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    problems = [part["problem"] for part in document["parts"] if part["problem"]]
    assert document["whole"] is False
    assert any(lost in problem for problem in problems), problems


def test_what_does_not_load_is_expected_of_nobody() -> None:
    with pytest.raises(ValueError, match="formats: gone"):
        counts((Part("formats", None, problem="gone"),))


def test_modules_are_found_where_they_lie_in_an_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "frozen.zip", "w") as archive:
        archive.writestr("parcel/__init__.py", "")
        archive.writestr("parcel/inner/__init__.py", "")
        archive.writestr("parcel/inner/leaf.py", "")
    monkeypatch.syspath_prepend(str(tmp_path / "frozen.zip"))
    found = list(taking._names([str(tmp_path / "frozen.zip" / Path("parcel"))], "parcel."))
    assert found == ["parcel.inner", "parcel.inner.leaf"]

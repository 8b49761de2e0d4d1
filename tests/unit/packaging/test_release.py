"""A release is made only where everything agrees, and says what is in it."""

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
import release

WHOLE: dict[str, Any] = {
    "frozen": True,
    "whole": True,
    "agent_version": "1.2.0",
    "parts": [{"name": "client rows", "count": 80, "whole": True}],
}
CHANGELOG = (
    "# Changelog\n\n## Unreleased\n\n## 1.2.0 (2027-01-02)\n\n- News.\n\n## 1.1.0 (2026-12-01)\n\n- Older news.\n"
)


def against(
    version: str = "1.2.0", changelog: str = CHANGELOG, selfcheck: dict[str, Any] = WHOLE, changed: tuple[str, ...] = ()
) -> list[str]:
    return list(release.reasons_against(version, changelog, selfcheck, changed))


def test_where_everything_agrees_nothing_speaks_against_it() -> None:
    assert against() == []


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ({"changelog": CHANGELOG.replace("1.2.0", "1.1.5")}, "says nothing of 1.2.0"),
        ({"changelog": CHANGELOG.replace("- News.\n", "")}, "says nothing of 1.2.0"),
        ({"version": "1.1.0", "selfcheck": {**WHOLE, "agent_version": "1.1.0"}}, "a newer version than 1.1.0"),
        (
            {"changelog": CHANGELOG.replace("Unreleased\n", "Unreleased\n\n- More.\n")},
            "still has something under Unreleased",
        ),
        ({"selfcheck": {**WHOLE, "frozen": False}}, "not whole"),
        (
            {"selfcheck": {**WHOLE, "whole": False, "parts": [{"name": "formats", "whole": False}]}},
            "not whole: formats",
        ),
        ({"selfcheck": {}}, "it does not start"),
        ({"selfcheck": {**WHOLE, "agent_version": "1.1.0"}}, "the frozen program is 1.1.0"),
        ({"changed": ("agent/x.py",)}, "the commit does not hold agent/x.py"),
    ],
)
def test_each_disagreement_is_a_reason_that_says_what_to_do(case: dict[str, Any], said: str) -> None:
    assert any(said in reason for reason in against(**case)), against(**case)


def built(dist: Path) -> None:
    (dist / "mcp-compliance-agent/_internal").mkdir(parents=True)
    (dist / "mcp-compliance-agent/mcp-compliance").write_text("program")
    (dist / "mcp-compliance-agent_1.2.0_amd64.deb").write_text("deb")
    (dist / "mcp-compliance-agent_1.1.0_amd64.deb").write_text("of an earlier version")
    (dist / "mcp-compliance-agent.cdx.json").write_text("{}")


def test_the_release_holds_this_version_alone_and_the_true_checksums(tmp_path: Path) -> None:
    built(tmp_path)
    artifacts = release.gather(tmp_path, "1.2.0")
    names = {artifact.name for artifact in artifacts}
    assert "mcp-compliance-agent_1.2.0_amd64.deb" in names
    assert not [name for name in names if "1.1.0" in name]
    for artifact in artifacts:
        raw = (tmp_path / "release" / artifact.name).read_bytes()
        assert (artifact.bytes, artifact.sha256) == (len(raw), hashlib.sha256(raw).hexdigest())
    document = release.manifest("1.2.0", "abc", WHOLE["parts"], artifacts)
    assert json.loads(json.dumps(document))["holds"] == {"client rows": 80}


def test_an_archive_does_not_say_who_built_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    built(tmp_path)
    release.gather(tmp_path, "1.2.0")
    (archive,) = (tmp_path / "release").glob("*.tar.gz")
    with tarfile.open(archive) as stream:
        entries = stream.getmembers()
    assert {(entry.uid, entry.uname, entry.mtime) for entry in entries} == {(0, "root", 1_700_000_000)}
    assert archive.read_bytes()[4:8] == (1_700_000_000).to_bytes(4, "little"), "nor does what it is packed in"

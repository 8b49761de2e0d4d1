from pathlib import Path

from agent.core.access import writers
from agent.host.facts import facts_of


def test_the_mode_that_python_makes_up_on_windows_exposes_nothing(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    facts = facts_of(tmp_path.stat(), "C:\\Program Files\\ClaudeCode", posix=False)
    assert facts.kind == "folder"
    assert writers((facts,)) == ()

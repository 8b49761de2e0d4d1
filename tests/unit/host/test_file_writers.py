"""The kernel's word on who writes a file, by real processes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.writer import Writer
from agent.host.file_writers import file_writers
from agent.ports import Aimed, FileWriters, NoEvents

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="fanotify is Linux's")
PATIENCE_S = 3.0


@pytest.fixture
def writers() -> Iterator[FileWriters]:
    made = file_writers()
    if isinstance(made, NoEvents):
        assert os.geteuid() != 0 or "CAP_SYS_ADMIN" in made.reason, made.reason
        pytest.skip(made.reason)
    yield made
    made.close()


@pytest.fixture
def place(writers: FileWriters, tmp_path: Path) -> Path:
    """Return a folder in which the kernel tells who writes."""
    deaf = writers.aim([str(tmp_path)]).deaf
    if deaf:
        pytest.skip(f"the temporary folder cannot be listened in: {deaf[str(tmp_path)]}")
    return tmp_path


def heard(writers: FileWriters, path: Path) -> list[Writer]:
    for _ in range(3):
        found = [writer for place, writer in writers.wait(PATIENCE_S) if place == str(path)]
        if found:
            return found
    return []


def writing(line: str) -> "subprocess.Popen[bytes]":
    """Start a process that runs `line`, and waits for the end of its input."""
    code = f"import os, sys; {line}; os.close(1); sys.stdin.read()"
    started = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert started.stdout is not None
    started.stdout.read()
    return started


@pytest.mark.parametrize(
    "line",
    [
        "open({file!r}, 'w').write('x')",
        "open({file!r} + '.new', 'w').write('x'); os.replace({file!r} + '.new', {file!r})",
        "os.chmod({file!r}, 0o666)",
        "os.remove({file!r})",
    ],
    ids=["write", "replace", "mode", "remove"],
)
def test_who_changes_a_file_is_told_with_program_rights_and_parent(
    writers: FileWriters, place: Path, line: str
) -> None:
    file = place / "managed-settings.json"
    file.write_text("{}")
    assert writers.aim([str(place), str(place / "none")]) == Aimed(frozenset({str(place)}))
    process = writing(line.format(file=str(file)))
    try:
        told = heard(writers, file)[-1]
    finally:
        process.communicate()
    assert told.pid == process.pid
    assert told.program == str(Path(sys.executable).resolve())
    assert told.uid == os.geteuid()
    assert told.parent == str(Path(sys.executable).resolve())


def test_reading_and_what_this_process_writes_is_not_told(writers: FileWriters, place: Path) -> None:
    (place / "file").write_text("{}")
    writers.aim([str(place)])
    (place / "file").write_text("x")
    writing(f"open({str(place / 'file')!r}).read()").communicate()
    process = writing(f"open({str(place / 'marker')!r}, 'w')")
    try:
        places = {place for place, _ in writers.wait(PATIENCE_S)}
    finally:
        process.communicate()
    assert places == {str(place / "marker")}


def test_a_folder_made_anew_is_listened_to_anew(writers: FileWriters, place: Path) -> None:
    folder = place / "managed"
    folder.mkdir()
    writers.aim([str(folder)])
    folder.rename(place / "old")
    folder.mkdir()
    assert writers.aim([str(folder)]).heard == {str(folder)}
    process = writing(f"open({str(folder / 'x')!r}, 'w')")
    try:
        assert heard(writers, folder / "x")[-1].pid == process.pid
    finally:
        process.communicate()


def test_a_process_that_has_ended_is_told_by_its_pid_alone(writers: FileWriters, place: Path) -> None:
    writers.aim([str(place)])
    process = writing(f"open({str(place / 'x')!r}, 'w')")
    process.communicate()
    told = heard(writers, place / "x")[-1]
    assert told == Writer(process.pid)


def test_an_interrupt_ends_the_wait(writers: FileWriters) -> None:
    writers.interrupt()
    assert list(writers.wait(PATIENCE_S)) == []


def test_a_kernel_that_refuses_is_a_reason_and_not_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing:
        def __init__(self, *_: object, **__: object) -> None:
            raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("agent.host.file_writers.Fanotify", Refusing)
    found = file_writers()
    assert isinstance(found, NoEvents)
    assert "CAP_SYS_ADMIN" in found.reason


@pytest.fixture
def overlay(tmp_path: Path) -> Iterator[Path]:
    """Mount an overlay, as containers and live systems have it."""
    lower, upper, work, mounted = (tmp_path / name for name in ("lower", "upper", "work", "mounted"))
    for folder in (lower, upper, work, mounted):
        folder.mkdir()
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    made = subprocess.run(
        ["mount", "-t", "overlay", "overlay", "-o", options, mounted], capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        pytest.skip(f"no overlay can be mounted here: {made.stderr.strip()}")
    yield mounted
    subprocess.run(["umount", mounted], check=True)


def test_on_an_overlay_who_writes_is_told_or_it_is_said_that_it_is_not(writers: FileWriters, overlay: Path) -> None:
    aimed = writers.aim([str(overlay)])
    if str(overlay) in aimed.deaf:  # before Linux 6.5
        assert aimed == Aimed(frozenset(), {str(overlay): "its file system has no names for fanotify's events"})
        return
    process = writing(f"open({str(overlay / 'x')!r}, 'w')")
    try:
        assert heard(writers, overlay / "x")[-1].pid == process.pid
    finally:
        process.communicate()


def test_a_folder_that_cannot_be_listened_in_is_told_with_the_reason_and_the_others_are_heard(
    writers: FileWriters, place: Path
) -> None:
    odd = "/" + "x" * 300
    aimed = writers.aim([str(place), odd])
    assert aimed.heard == {str(place)}
    assert aimed.deaf == {odd: "fanotify: File name too long"}
    assert writers.aim([str(place), odd]) == aimed

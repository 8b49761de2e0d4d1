"""Windows: the layout of the structures, and what a record of the kernel's process trace says."""

import ctypes
import struct

import pytest

from agent.host.etw_records import PROCESS_EVENTS, Header, Logfile, Properties, Record, Wnode, read_data, read_record

START, END = 1, 2
AT, SECONDS = 134_355_753_301_234_560, 1791101730.123456
SID = bytes([1, 5, 0, 0, 0, 0, 0, 5]) + struct.pack("<5I", 21, 1, 2, 3, 1001)


def data(
    version: int, *, sid: bytes = SID, image: bytes = b"node.exe", line: str = 'node.exe "C:\\a b\\s.js" -x'
) -> bytes:
    fixed = struct.pack("<QIIIi", 0xFFFF8000, 4711, 77, 1, 259)
    fixed += struct.pack("<Q", 1) if version >= 3 else b""
    fixed += struct.pack("<I", 0) if version >= 4 else b""
    user = struct.pack("<QQ", 1, 0) + sid if sid else struct.pack("<I", 0)
    rest = b"\0\0\0\0" if version >= 4 else b""  # package and application: none
    return fixed + user + image + b"\0" + line.encode("utf-16-le") + b"\0\0" + rest


def test_the_structures_lie_in_memory_as_the_windows_headers_say() -> None:
    # What a program compiled against mingw-w64's evntrace.h and evntcons.h for x86-64 prints.
    assert [ctypes.sizeof(kind) for kind in (Wnode, Header, Record, Logfile)] == [48, 80, 112, 448]
    assert (Wnode.guid.offset, Wnode.clock.offset, Wnode.flags.offset) == (24, 40, 44)
    assert (Properties.buffer_kb.offset, Properties.mode.offset, Properties.flush_s.offset) == (48, 64, 68)
    assert (Properties.events_lost.offset, Properties.buffers_lost.offset) == (88, 100)
    assert (Properties.name_at.offset, Properties.name.offset) == (116, 120)
    assert (Header.provider.offset, Header.id.offset) == (24, 40)
    assert (Record.data_bytes.offset, Record.data.offset, Record.context.offset) == (86, 96, 104)
    assert (Logfile.logger_name.offset, Logfile.mode.offset, Logfile.event.offset) == (8, 28, 32)
    assert (Logfile.file_header.offset, Logfile.buffer_callback.offset) == (120, 400)
    assert (Logfile.record_callback.offset, Logfile.context.offset) == (424, 440)


@pytest.mark.parametrize("version", [2, 3, 4, 5])
@pytest.mark.parametrize("sid", [SID, b""])
def test_a_start_tells_the_command_line(version: int, sid: bytes) -> None:
    word = read_data(data(version, sid=sid), version, START, AT)
    assert word is not None
    assert word.started is not None
    assert (word.started.pid, word.started.ppid, word.started.name) == (4711, 77, "node")
    assert word.started.command == ("node.exe", "C:\\a b\\s.js", "-x")
    assert word.started.create_time == pytest.approx(SECONDS)


def test_an_end_tells_the_process() -> None:
    word = read_data(data(4), 4, END, AT)
    assert word is not None
    assert (word.started, word.ended) == (None, 4711)


def test_data_that_is_cut_short_never_fails() -> None:
    for length in range(len(data(4))):
        word = read_data(data(4)[:length], 4, START, AT)
        assert word is None or (word.started is not None and word.started.pid == 4711)


def record(provider: bytes, opcode: int, held: ctypes.Array[ctypes.c_char]) -> Record:
    found = Record(data_bytes=len(held), data=ctypes.addressof(held))
    found.header.provider = (ctypes.c_uint8 * 16)(*provider)
    found.header.opcode, found.header.version, found.header.time = opcode, 4, AT
    return found


def test_only_the_starts_and_ends_of_processes_are_read() -> None:
    whole = data(4)
    held = ctypes.create_string_buffer(whole, len(whole))
    word = read_record(record(PROCESS_EVENTS, START, held))
    assert word is not None
    assert word.started is not None
    assert word.started.pid == 4711
    assert read_record(record(PROCESS_EVENTS, 3, held)) is None, "what ran before the trace began"
    assert read_record(record(bytes(16), START, held)) is None

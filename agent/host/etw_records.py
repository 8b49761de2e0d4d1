"""The structures of Windows' event tracing as 64-bit Windows lays them out, and what one record of its kernel process trace says.

Sources: evntrace.h, evntcons.h; the MOF classes Process_V2_TypeGroup1 to Process_V4_TypeGroup1.
"""

import ctypes
import struct
from ctypes import Structure, c_char, c_int32, c_int64, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p, c_wchar_p
from dataclasses import dataclass
from uuid import UUID

from agent.core.commandline import Argv, base_name, windows_words
from agent.core.observation import Process

PROCESS_EVENTS = UUID("3d6fa8d0-fe05-11d0-9dda-00c04fd7ba7c").bytes_le
_START, _END = 1, 2

_FIRST_VERSION, _WITH_DIRECTORY, _WITH_FLAGS = 2, 3, 4
_FIXED = struct.Struct("<QIIIi")  # key, process, parent, session, exit status
_DIRECTORY_BYTES, _FLAGS_BYTES = 8, 4
_NO_SID = struct.Struct("<I")
_TOKEN_USER_BYTES = 16
_SID_FIXED_BYTES, _SUB_AUTHORITY_BYTES = 8, 4
_EPOCH_AS_FILETIME = 116_444_736_000_000_000
_FILETIMES_PER_S = 10_000_000


class Wnode(Structure):
    """WNODE_HEADER."""

    _fields_ = (
        ("buffer_bytes", c_uint32),
        ("provider", c_uint32),
        ("context", c_uint64),
        ("time", c_int64),
        ("guid", c_uint8 * 16),
        ("clock", c_uint32),
        ("flags", c_uint32),
    )


class Properties(Structure):
    """EVENT_TRACE_PROPERTIES, with room for the session's name behind it."""

    _fields_ = (
        ("wnode", Wnode),
        ("buffer_kb", c_uint32),
        ("least_buffers", c_uint32),
        ("most_buffers", c_uint32),
        ("most_file_mb", c_uint32),
        ("mode", c_uint32),
        ("flush_s", c_uint32),
        ("enable", c_uint32),
        ("age", c_int32),
        ("buffers", c_uint32),
        ("free_buffers", c_uint32),
        ("events_lost", c_uint32),
        ("buffers_written", c_uint32),
        ("file_buffers_lost", c_uint32),
        ("buffers_lost", c_uint32),
        ("thread", c_void_p),
        ("file_name_at", c_uint32),
        ("name_at", c_uint32),
        ("name", c_char * 256),
    )


class Header(Structure):
    """EVENT_HEADER, with its EVENT_DESCRIPTOR in place."""

    _fields_ = (
        ("bytes", c_uint16),
        ("type", c_uint16),
        ("flags", c_uint16),
        ("property", c_uint16),
        ("thread", c_uint32),
        ("process", c_uint32),
        ("time", c_int64),
        ("provider", c_uint8 * 16),
        ("id", c_uint16),
        ("version", c_uint8),
        ("channel", c_uint8),
        ("level", c_uint8),
        ("opcode", c_uint8),
        ("task", c_uint16),
        ("keyword", c_uint64),
        ("processor_time", c_uint64),
        ("activity", c_uint8 * 16),
    )


class Record(Structure):
    """EVENT_RECORD."""

    _fields_ = (
        ("header", Header),
        ("buffer", c_uint32),
        ("extended_count", c_uint16),
        ("data_bytes", c_uint16),
        ("extended", c_void_p),
        ("data", c_void_p),
        ("context", c_void_p),
    )


RecordCallback = ctypes.CFUNCTYPE(None, ctypes.POINTER(Record))  # 64-bit Windows has one calling convention


class Logfile(Structure):
    """EVENT_TRACE_LOGFILEW; what is read from a file only is left opaque."""

    _fields_ = (
        ("file_name", c_wchar_p),
        ("logger_name", c_wchar_p),
        ("time", c_int64),
        ("buffers_read", c_uint32),
        ("mode", c_uint32),
        ("event", c_uint64 * 11),
        ("file_header", c_uint64 * 35),
        ("buffer_callback", c_void_p),
        ("buffer_bytes", c_uint32),
        ("filled", c_uint32),
        ("events_lost", c_uint32),
        ("record_callback", RecordCallback),
        ("kernel", c_uint32),
        ("context", c_void_p),
    )


@dataclass(frozen=True, slots=True)
class Word:
    """What a record says. One of the two is set."""

    started: Process | None = None
    ended: int | None = None


def read_record(record: Record) -> Word | None:
    """Return what a record says, None where it says nothing of a process that starts or ends."""
    header = record.header
    if bytes(header.provider) != PROCESS_EVENTS or header.opcode not in (_START, _END) or not record.data:
        return None
    data = ctypes.string_at(record.data, record.data_bytes)
    return read_data(data, header.version, header.opcode, header.time)


def read_data(data: bytes, version: int, opcode: int, filetime: int) -> Word | None:
    """Return what the data of a record says. `filetime` is when, in the system's unit."""
    if version < _FIRST_VERSION or len(data) < _FIXED.size:
        return None
    _, pid, parent, _, _ = _FIXED.unpack_from(data)
    if opcode == _END:
        return Word(ended=pid)
    image, command = _texts(data, version)
    started = (filetime - _EPOCH_AS_FILETIME) / _FILETIMES_PER_S
    return Word(started=Process(pid, started, parent, base_name(image) or image, command=command))


def _texts(data: bytes, version: int) -> tuple[str, Argv]:
    """Return the program's file name and the words of its command line; empty where the data is cut short."""
    at = _FIXED.size
    at += _DIRECTORY_BYTES if version >= _WITH_DIRECTORY else 0
    at += _FLAGS_BYTES if version >= _WITH_FLAGS else 0
    if len(data) < at + _NO_SID.size:
        return "", ()
    if not _NO_SID.unpack_from(data, at)[0]:
        at += _NO_SID.size
    else:
        at += _TOKEN_USER_BYTES
        if len(data) <= at + 1:
            return "", ()
        at += _SID_FIXED_BYTES + _SUB_AUTHORITY_BYTES * data[at + 1]
    image, _, rest = data[at:].partition(b"\0")
    line = rest[: len(rest) & ~1].decode("utf-16-le", "replace").partition("\0")[0]
    return image.decode("latin-1"), windows_words(line) or ()

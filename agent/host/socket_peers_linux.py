"""Which Unix socket is connected with which: the kernel's own table, asked over netlink (sock_diag(7), unix_diag.h).

The two ends of a socket pair have different inodes, and /proc does not say which belong together. Any user may ask; the
answer covers the network namespace of this process.
"""

import socket
import struct
import sys
from collections.abc import Iterator

assert sys.platform == "linux"  # noqa: S101 - tells the type checker too

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST_DUMP = 0x1 | 0x300
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_UDIAG_SHOW_PEER, _UNIX_DIAG_PEER = 0x4, 2
_ALL_STATES = 0xFFFFFFFF

_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_REQUEST = struct.Struct("=BBHIIIII")  # family, protocol, padding, states, inode, show, cookie (2)
_ANSWER = struct.Struct("=BBBBIII")  # family, type, state, padding, inode, cookie (2)
_ATTRIBUTE = struct.Struct("=HH")  # length, type
_U32 = struct.Struct("=I")

_BUFFER_BYTES = 1 << 18
_TIMEOUT_S = 2.0


def unix_socket_peers() -> dict[int, int] | None:
    """Return inode → inode of the other end for every connected Unix socket, None where the kernel does not answer."""
    body = _REQUEST.pack(socket.AF_UNIX, 0, 0, _ALL_STATES, 0, _UDIAG_SHOW_PEER, 0, 0)
    header = _HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST_DUMP, 1, 0)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG) as netlink:
            netlink.settimeout(_TIMEOUT_S)
            netlink.send(header + body)
            return dict(_pairs(netlink))
    except (OSError, struct.error):
        return None


def _pairs(netlink: socket.socket) -> Iterator[tuple[int, int]]:
    while True:
        data = netlink.recv(_BUFFER_BYTES)
        position = 0
        while position + _HEADER.size <= len(data):
            length, kind, *_ = _HEADER.unpack_from(data, position)
            if kind == _NLMSG_DONE:
                return
            if kind == _NLMSG_ERROR or length < _HEADER.size:
                raise OSError("the kernel refused the socket query")
            yield from _pair(data[position + _HEADER.size : position + length])
            position += _aligned(length)


def _pair(message: bytes) -> Iterator[tuple[int, int]]:
    inode = _ANSWER.unpack_from(message)[4]
    position = _ANSWER.size
    while position + _ATTRIBUTE.size <= len(message):
        length, kind = _ATTRIBUTE.unpack_from(message, position)
        if length < _ATTRIBUTE.size:
            return
        if kind == _UNIX_DIAG_PEER:
            yield inode, _U32.unpack_from(message, position + _ATTRIBUTE.size)[0]
        position += _aligned(length)


def _aligned(length: int) -> int:
    return (length + 3) & ~3

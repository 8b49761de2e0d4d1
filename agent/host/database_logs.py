"""What stands in the logs beside an SQLite database, put into a copy of its bytes (sqlite.org/fileformat2.html, 3 and 4).

SQLite would do this itself to files on the disk, and that is why it is not asked to: a user's rollback journal may name another
file, which the recovery then looks for and deletes, as whoever runs it. Here nothing but bytes is touched.
"""

import struct
from collections.abc import Iterator

_WAL_MAGIC = {0x377F0682: "<", 0x377F0683: ">"}
"""Magic number → the order of bytes in which checksums are made."""
_WAL_HEADER, _FRAME_HEADER = 32, 24
_WAL_LARGEST = 16 * 1024 * 1024
"""SQLite writes a log back when it has four megabytes; more comes of a reader that never ends, and takes long to check."""
_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
_JOURNAL_HEADER = 28
_ALL_RECORDS = 0xFFFFFFFF
_PAGE_SIZES = frozenset(2**power for power in range(9, 17))
_SUM_STEP = 200
_SECTORS = range(32, (1 << 16) + 1)


def with_log(raw: bytes, log: bytes) -> bytes:
    """Return the database with all that is committed in its write-ahead log; a log that is none, or of another, adds nothing."""
    if len(log) < _WAL_HEADER or len(log) > _WAL_LARGEST:
        return raw
    magic, _, size, _, salt1, salt2, sum1, sum2 = struct.unpack(">8I", log[:_WAL_HEADER])
    order = _WAL_MAGIC.get(magic)
    if order is None or size not in _PAGE_SIZES or _checksum(log[:24], order, (0, 0)) != (sum1, sum2):
        return raw
    committed: dict[int, bytes] = {}
    written: dict[int, bytes] = {}
    pages = len(raw) // size
    running = (sum1, sum2)
    for at in range(_WAL_HEADER, len(log) - _FRAME_HEADER - size + 1, _FRAME_HEADER + size):
        number, after, *rest = struct.unpack(">6I", log[at : at + _FRAME_HEADER])
        page = log[at + _FRAME_HEADER : at + _FRAME_HEADER + size]
        running = _checksum(page, order, _checksum(log[at : at + 8], order, running))
        if rest[:2] != [salt1, salt2] or tuple(rest[2:]) != running or not number:
            break
        written[number] = page
        if after:
            committed |= written
            written, pages = {}, after
    return _patched(raw, committed, size, pages) if committed else raw


def with_journal(raw: bytes, journal: bytes) -> bytes:
    """Return the database as it was before the transaction that its rollback journal belongs to, if one is under way.

    A journal that names others is left alone: whether its transaction is over, those would have to tell.
    """
    if journal[-len(_JOURNAL_MAGIC) :] == _JOURNAL_MAGIC:
        return raw
    found = dict[int, bytes]()
    before, size = 0, 0
    for number, page, pages in _records(journal):
        size, before = len(page), before or pages
        found.setdefault(number, page)
    own = int.from_bytes(raw[16:18], "big")
    same = size == (1 << 16 if own == 1 else own)  # that size does not fit into two bytes
    return _patched(raw, found, size, before) if found and before and same else raw


def _records(journal: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Yield the pages as they were: number, content, and how many there were in all."""
    at, size = 0, 0
    while journal[at : at + 8] == _JOURNAL_MAGIC and len(journal) >= at + _JOURNAL_HEADER:
        count, nonce, pages, sector, page_size = struct.unpack(">5I", journal[at + 8 : at + _JOURNAL_HEADER])
        size = size or page_size
        if size not in _PAGE_SIZES or sector not in _SECTORS:
            return
        at += sector
        whole = (len(journal) - at) // (size + 8)
        for _ in range(min(whole, whole if count == _ALL_RECORDS else count)):
            number, page = struct.unpack(">I", journal[at : at + 4])[0], journal[at + 4 : at + 4 + size]
            expected = struct.unpack(">I", journal[at + 4 + size : at + 8 + size])[0]
            if not number or (nonce + sum(page[size - _SUM_STEP : 0 : -_SUM_STEP])) & 0xFFFFFFFF != expected:
                return
            yield number, page, pages
            at += size + 8
        at = -(-at // sector) * sector


def _patched(raw: bytes, pages: dict[int, bytes], size: int, count: int) -> bytes:
    """Return `raw` with these pages, numbered from 1, and `count` pages in all."""
    length = min(count * size, max(len(raw), max(pages) * size))
    found = bytearray(raw[:length].ljust(length, b"\0"))
    for number, page in pages.items():
        if number * size <= length:
            found[(number - 1) * size : number * size] = page
    return bytes(found)


def _checksum(data: bytes, order: str, start: tuple[int, int]) -> tuple[int, int]:
    one, two = start
    words = iter(struct.unpack(f"{order}{len(data) // 4}I", data))
    for first, second in zip(words, words, strict=True):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return one, two

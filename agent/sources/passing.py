"""What a look at the managed files tells of the time since the look before: changes that were undone leave their marks.

A file whose inode change time moved on the same inode was written to, or its owner, mode, name or links were changed, though it
is now as it was. A file that was replaced as a whole by an equal one is not told: that is how an MDM pushes a policy again.
"""

from collections.abc import Mapping, Sequence

from agent.core.observation import Document
from agent.core.place import Content, Data, Facts


def touched(before: Sequence[Document], now: Sequence[Document]) -> Mapping[str, str]:
    """Return a sentence for every path that was touched and left as it was."""
    earlier = {document.path: document.content for document in before}
    found: dict[str, str] = {}
    for document in now:
        mark = _mark(earlier.get(document.path), document.content)
        if mark is not None:
            found[document.path] = mark
    return found


def _mark(before: Content | None, now: Content) -> str | None:
    if not isinstance(before, Data) or not isinstance(now, Data) or before.raw != now.raw:
        return None
    if not before.access or not now.access:
        return None  # a store that is no file
    was, is_now = before.facts, now.facts
    if _rights(was) != _rights(is_now) or (was.device, was.inode) != (is_now.device, is_now.inode):
        return None
    if was.mtime_ns != is_now.mtime_ns:
        return "It was written in place with the content that it had."
    if was.ctime_ns != is_now.ctime_ns:
        return "Its owner, mode, name or links were changed and changed back."
    return None


def _rights(facts: Facts) -> tuple[int, int, int, int]:
    return (facts.mode, facts.uid, facts.gid, facts.links)

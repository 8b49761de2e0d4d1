"""XML and property lists → values. No document type is read, so no entity is ever expanded and nothing is fetched.

An element is `{"tag": …, "attributes": {…}, "text": …, "children": [elements]}`. A property list, XML or binary, is the value
that it holds; its dates and data are left out.
"""

import plistlib
from collections.abc import Mapping
from typing import Any
from xml.parsers import expat

from agent.catalog.format_error import FormatError
from agent.core.jsontext import MAX_DEPTH

_ELEMENTS = 100_000
_TEXT_CAP = 8 * 1024 * 1024
_BINARY = b"bplist00"

Element = dict[str, Any]


class _Tree:
    """Builds elements from the parser's events."""

    def __init__(self, *, doctype: bool) -> None:
        self._doctype = doctype
        self._open: list[Element] = [{"children": []}]
        self._count = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) > MAX_DEPTH or self._count > _ELEMENTS:
            raise FormatError("nested too deeply" if len(self._open) > MAX_DEPTH else f"more than {_ELEMENTS} elements")
        element: Element = {"tag": tag, "attributes": attributes, "text": [], "children": []}
        self._open[-1]["children"].append(element)
        self._open.append(element)

    def end(self, _: str) -> None:
        element = self._open.pop()
        element["text"] = "".join(element["text"])

    def text(self, data: str) -> None:
        if len(self._open) > 1:
            self._open[-1]["text"].append(data)

    def doctype(self, _name: str, _system: str | None, _public: str | None, internal: int) -> None:
        if internal or not self._doctype:
            raise FormatError("it declares a document type, which is not read")

    def entity(self, *_: object) -> None:
        raise FormatError("it declares an entity, which is not read")

    @property
    def root(self) -> Element:
        return dict(self._open[0]["children"][0])


def parse_xml(text: str, *, doctype: bool = False) -> Element:
    """Return the root element of `text`; raise `FormatError`. `doctype` lets a reference to one pass; it is never followed."""
    if len(text) > _TEXT_CAP:
        raise FormatError(f"longer than {_TEXT_CAP} characters, which is the most that is read of an XML file")
    tree = _Tree(doctype=doctype)
    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = tree.start, tree.end
    parser.CharacterDataHandler = tree.text
    parser.StartDoctypeDeclHandler, parser.EntityDeclHandler = tree.doctype, tree.entity
    parser.buffer_text = True
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        raise FormatError("not valid XML", error.lineno) from None
    return tree.root


def parse_plist(raw: bytes, text: str) -> Any:  # noqa: ANN401 - a property list holds any value
    """Return what the property list `raw` holds; `text` is the same, decoded. Raise `FormatError`."""
    if not raw.startswith(_BINARY):
        root = parse_xml(text, doctype=True)
        return _plist_value(root["children"][0]) if root["tag"] == "plist" and root["children"] else None
    try:
        value = plistlib.loads(raw, fmt=plistlib.FMT_BINARY)
    except (plistlib.InvalidFileException, ValueError, TypeError, OverflowError, RecursionError, MemoryError):
        raise FormatError("not a valid property list") from None
    return value


def _plist_value(element: Element) -> object:
    tag, children = element["tag"], element["children"]
    if tag == "dict":
        keys = [child["text"] for child in children[::2]]
        return dict(zip(keys, map(_plist_value, children[1::2]), strict=False))
    if tag == "array":
        return [_plist_value(child) for child in children]
    return {
        "string": element["text"],
        "integer": element["text"],
        "real": element["text"],
        "true": True,
        "false": False,
    }.get(tag)


def descend(element: Mapping[str, Any], *tags: str) -> list[Element]:
    """Return every element with one of `tags` at or below `element`, in document order."""
    found: list[Element] = []
    todo: list[Any] = [element]
    while todo:
        here = todo.pop()
        if here["tag"] in tags:
            found.append(here)
        todo += reversed(here["children"])
    return found

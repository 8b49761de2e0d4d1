"""The administrative template against Microsoft's published schema, of which the part that we use stands here as tables.

https://learn.microsoft.com/previous-versions/windows/desktop/Policy/admx-schema: elements, their order, attributes, values.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

import admx
import pytest

NAMESPACE = "http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions"
ITEM = r"[A-Za-z0-9_.]+"
STRING, PRESENTATION = r"\$\(string\.[A-Za-z0-9_.]+\)", r"\$\(presentation\.[A-Za-z0-9_.]+\)"
VERSION = r"[0-9]{1,4}\.[0-9]{1,5}"
KEY, VALUE = r"[^\\]+(\\[^\\]+)*", r"[^\s].*"
NUMBER, TRUTH = r"[0-9]{1,10}", r"true|false"
_DWORD = 2**32 - 1


@dataclass(frozen=True)
class Form:
    """What an element may be: attributes with the pattern of their value (`required` first), and children in their order."""

    required: Mapping[str, str] = field(default_factory=dict)
    optional: Mapping[str, str] = field(default_factory=dict)
    children: tuple[str, ...] = ()
    """Names in their order; `+` stands for once or more, `?` for at most once, `*` for any number, a bare one for once."""
    text: bool = False


_VALUED = {"id": ITEM, "valueName": VALUE}
_REF = Form({"ref": ITEM})
_BOX = {"defaultValue": NUMBER, "spin": TRUTH, "spinStep": NUMBER}
FORMS = {
    "policyDefinitions": Form(
        {"revision": VERSION, "schemaVersion": VERSION},
        children=("policyNamespaces", "resources", "supportedOn?", "categories?", "policies?"),
    ),
    "policyNamespaces": Form(children=("target", "using*")),
    "target": Form({"prefix": r"[a-z][a-z0-9]+", "namespace": r"[A-Za-z.]+"}),
    "policyDefinitions/resources": Form({"minRequiredRevision": VERSION}),
    "policyDefinitions/supportedOn": Form(children=("definitions?",)),
    "definitions": Form(children=("definition+",)),
    "definition": Form({"name": ITEM, "displayName": STRING}),
    "categories": Form(children=("category*",)),
    "category": Form({"name": ITEM, "displayName": STRING}, children=("parentCategory?",)),
    "parentCategory": _REF,
    "policies": Form(children=("policy*",)),
    "policy": Form(
        {"name": ITEM, "class": "User|Machine|Both", "displayName": STRING, "key": KEY},
        {"explainText": STRING, "presentation": PRESENTATION, "valueName": VALUE},
        ("parentCategory", "supportedOn", "enabledValue?", "disabledValue?", "elements?"),
    ),
    "policy/supportedOn": _REF,
    "enabledValue": Form(children=("decimal",)),
    "disabledValue": Form(children=("decimal",)),
    "enabledValue/decimal": Form({"value": NUMBER}),
    "disabledValue/decimal": Form({"value": NUMBER}),
    "elements": Form(children=("text*", "multiText*", "decimal*", "list*")),
    "elements/text": Form(_VALUED, {"required": TRUTH, "maxLength": NUMBER, "expandable": TRUTH, "soft": TRUTH}),
    "multiText": Form(_VALUED, {"required": TRUTH, "maxLength": NUMBER, "maxStrings": NUMBER, "soft": TRUTH}),
    "elements/decimal": Form(
        _VALUED, {"required": TRUTH, "minValue": NUMBER, "maxValue": NUMBER, "storeAsText": TRUTH, "soft": TRUTH}
    ),
    "list": Form({"id": ITEM}, {"key": KEY, "additive": TRUTH, "expandable": TRUTH, "explicitValue": TRUTH}),
    "policyDefinitionResources": Form(
        {"revision": VERSION, "schemaVersion": VERSION}, children=("displayName", "description", "resources")
    ),
    "displayName": Form(text=True),
    "description": Form(text=True),
    "policyDefinitionResources/resources": Form(children=("stringTable?", "presentationTable?")),
    "stringTable": Form(children=("string+",)),
    "string": Form({"id": ITEM}, text=True),
    "presentationTable": Form(children=("presentation+",)),
    "presentation": Form(
        {"id": ITEM}, children=("textBox*", "multiTextBox*", "decimalTextBox*", "listBox*", "checkBox*")
    ),
    "textBox": Form({"refId": ITEM}, children=("label", "defaultValue?")),
    "label": Form(text=True),
    "multiTextBox": Form({"refId": ITEM}, {"showAsDialog": TRUTH, "defaultHeight": NUMBER}, text=True),
    "decimalTextBox": Form({"refId": ITEM}, _BOX, text=True),
    "listBox": Form({"refId": ITEM}, {"required": TRUTH}, text=True),
}
"""By the element's name, or by its parent's and its own where one name means two things."""


def against(element: ET.Element, above: str = "") -> Iterator[str]:
    """Yield what in `element`, and below it, the schema does not allow."""
    namespace, _, name = element.tag.lstrip("{").partition("}")
    form = FORMS.get(f"{above}/{name}", FORMS.get(name))
    if namespace != NAMESPACE or form is None:
        yield f"{above}: no element {element.tag}"
        return
    given = dict(element.attrib)
    for attribute, pattern in {**form.required, **form.optional}.items():
        value = given.pop(attribute, None)
        if value is None:
            if attribute in form.required:
                yield f"{name}: no {attribute}"
        elif not re.fullmatch(pattern, value) or (pattern == NUMBER and int(value) > _DWORD):
            yield f"{name}: {attribute}={value!r}"
    yield from (f"{name}: unknown {attribute}" for attribute in given)
    if bool((element.text or "").strip()) is not form.text:
        yield f"{name}: {'no text' if form.text else 'text'}"
    order = "".join(f"{child.tag.rpartition('}')[2]} " for child in element)
    expected = "".join(_repeated(child) for child in form.children)
    if not re.fullmatch(expected, order):
        yield f"{name}: holds {order or 'nothing'}"
    for child in element:
        yield from against(child, name)


def _repeated(child: str) -> str:
    name = child.rstrip("?*+")
    return f"({name} ){child.removeprefix(name)}"


@pytest.mark.parametrize("made", [admx.template, admx.language], ids=["admx", "adml"])
def test_it_is_as_microsoft_publishes_it(made: "object") -> None:
    assert callable(made)
    assert list(against(ET.fromstring(made()))) == []


@pytest.mark.parametrize(
    ("there", "instead", "told"),
    [
        ('class="Machine"', 'class="Computer"', "class='Computer'"),
        (' class="Machine"', "", "policy: no class"),
        ('valueName="url"', 'valuename="url"', "unknown valuename"),
        ('maxValue="', 'maxValue="9', "maxValue="),
        ("<supportedOn ref", "<supportedOnn ref", "no element"),
        (
            '<parentCategory ref="endpoint" />\n      <supportedOn ref="supported" />',
            '<supportedOn ref="supported" />',
            "holds",
        ),
    ],
)
def test_what_microsoft_does_not_know_would_be_noticed(there: str, instead: str, told: str) -> None:
    text = admx.template()
    assert there in text
    assert any(told in found for found in against(ET.fromstring(text.replace(there, instead))))


def test_every_name_is_given_once_and_every_reference_leads_somewhere() -> None:
    root = ET.fromstring(admx.template())
    spaced = {"p": NAMESPACE}
    for kind in ("category", "policy", "definition"):
        names = [element.attrib["name"] for element in root.iterfind(f".//p:{kind}", spaced)]
        assert len(set(names)) == len(names)
    categories = {element.attrib["name"] for element in root.iterfind(".//p:category", spaced)}
    assert {element.attrib["ref"] for element in root.iterfind(".//p:parentCategory", spaced)} <= categories


def test_a_number_s_default_lies_within_its_bounds() -> None:
    spaced = {"p": NAMESPACE}
    bounds = {
        element.attrib["id"]: element.attrib
        for element in ET.fromstring(admx.template()).iterfind(".//p:elements/p:decimal", spaced)
    }
    boxes = list(ET.fromstring(admx.language()).iterfind(".//p:decimalTextBox", spaced))
    assert boxes
    for box in boxes:
        limits = bounds[box.attrib["refId"]]
        assert (
            int(limits["minValue"])
            <= int(box.attrib.get("defaultValue", limits["minValue"]))
            <= int(limits["maxValue"])
        )


def test_intune_imports_it() -> None:
    # https://learn.microsoft.com/intune/intune-service/configuration/administrative-templates-import-custom
    for text in (admx.template(), admx.language()):
        assert len(text.encode()) < 1_000_000
        assert "comboBox" not in text
    assert "<using" not in admx.template(), "it depends on no other template"

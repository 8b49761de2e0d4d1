r"""The administrative template: every setting as a machine policy, with its explanation, for group policy and Intune.

The values land below `HKLM\SOFTWARE\Policies\MCPComplianceAgent` as `agent.host.preferences` reads them. Elements and
attributes are those of https://learn.microsoft.com/previous-versions/windows/desktop/Policy/admx-schema.
"""

from xml.etree import ElementTree as ET

from mdm_settings import Setting, sections, settings

from agent.core.own_places import POLICY_KEY

TEMPLATE = "mcp-compliance-agent"
_XMLNS = "http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions"
_VERSIONS = {"revision": "1.0", "schemaVersion": "1.0", "xmlns": _XMLNS}
_ROOT, _SUPPORTED = "agent", "supported"
_DWORD = 4_294_967_295


def template() -> str:
    """Return the language-neutral part (.admx)."""
    root = ET.Element("policyDefinitions", _VERSIONS)
    namespaces = ET.SubElement(root, "policyNamespaces")
    ET.SubElement(namespaces, "target", prefix="mcpcompliance", namespace="McpCompliance.Policies.Agent")
    ET.SubElement(root, "resources", minRequiredRevision="1.0")
    supported = ET.SubElement(ET.SubElement(root, "supportedOn"), "definitions")
    ET.SubElement(supported, "definition", name=_SUPPORTED, displayName=_string(_SUPPORTED))
    categories = ET.SubElement(root, "categories")
    ET.SubElement(categories, "category", name=_ROOT, displayName=_string(_ROOT))
    for section in sections():
        category = ET.SubElement(
            categories, "category", name=section.name, displayName=_string(f"section_{section.name}")
        )
        ET.SubElement(category, "parentCategory", ref=_ROOT)
    policies = ET.SubElement(root, "policies")
    for setting in settings():
        _policy(policies, setting)
    return _text(root)


def language() -> str:
    """Return the English part (.adml)."""
    root = ET.Element("policyDefinitionResources", _VERSIONS)
    ET.SubElement(root, "displayName").text = "MCP compliance agent"
    ET.SubElement(root, "description").text = "Settings of the MCP compliance agent"
    resources = ET.SubElement(root, "resources")
    table = ET.SubElement(resources, "stringTable")
    strings = {_ROOT: "MCP compliance agent", _SUPPORTED: "MCP compliance agent on Windows 10 or newer"}
    strings |= {f"section_{section.name}": section.name for section in sections()}
    for setting in settings():
        strings[setting.id] = setting.key or setting.section
        strings[f"{setting.id}_explain"] = _explained(setting)
    for name, text in strings.items():
        ET.SubElement(table, "string", id=name).text = text
    presentations = ET.SubElement(resources, "presentationTable")
    for setting in settings():
        if setting.kind != "boolean":
            _presentation(presentations, setting)
    return _text(root)


def _policy(policies: ET.Element, setting: Setting) -> None:
    name = setting.id
    policy = ET.SubElement(policies, "policy", name=name)
    policy.set("class", "Machine")
    policy.set("displayName", _string(name))
    policy.set("explainText", _string(f"{name}_explain"))
    policy.set("key", f"{POLICY_KEY}\\{setting.section}" if setting.section else POLICY_KEY)
    if setting.kind == "boolean":
        policy.set("valueName", setting.key)
    else:
        policy.set("presentation", f"$(presentation.{name})")
    known = {section.name for section in sections()}
    ET.SubElement(policy, "parentCategory", ref=setting.section if setting.section in known else _ROOT)
    ET.SubElement(policy, "supportedOn", ref=_SUPPORTED)
    if setting.kind == "boolean":
        for state, value in (("enabledValue", "1"), ("disabledValue", "0")):
            ET.SubElement(ET.SubElement(policy, state), "decimal", value=value)
    else:
        _element(ET.SubElement(policy, "elements"), setting)


def _element(elements: ET.Element, setting: Setting) -> None:
    if setting.kind == "choices":
        key = f"{POLICY_KEY}\\{setting.section}"
        ET.SubElement(elements, "list", id=setting.id, key=key, explicitValue="true")
        return
    tag = {"text": "text", "texts": "multiText", "number": "decimal"}[setting.kind]
    element = ET.SubElement(elements, tag, id=setting.id, valueName=setting.key)
    if setting.kind == "number":
        element.set("minValue", str(max(1, int(setting.minimum or 0))))
        element.set("maxValue", str(int(min(setting.maximum or _DWORD, _DWORD))))
    if setting.kind == "texts":
        element.set("maxLength", "16383")
        element.set("maxStrings", "0")


def _presentation(presentations: ET.Element, setting: Setting) -> None:
    presentation = ET.SubElement(presentations, "presentation", id=setting.id)
    label = setting.key or setting.section
    if setting.kind == "number":
        box = ET.SubElement(presentation, "decimalTextBox", refId=setting.id)
        if isinstance(setting.default, int | float):
            box.set("defaultValue", str(int(setting.default)))
        box.text = label
    elif setting.kind == "text":
        ET.SubElement(ET.SubElement(presentation, "textBox", refId=setting.id), "label").text = label
    elif setting.kind == "texts":
        ET.SubElement(presentation, "multiTextBox", refId=setting.id).text = label
    else:
        ET.SubElement(presentation, "listBox", refId=setting.id).text = label


def _explained(setting: Setting) -> str:
    choices = (
        f" Name: a control, such as server.unpinned. Value: {', '.join(setting.choices)}." if setting.choices else ""
    )
    default = "" if setting.default in (None, []) else f" Not configured: {setting.default}."
    return f"{setting.description[0].upper()}{setting.description[1:]}.{choices}{default}"


def _string(name: str) -> str:
    return f"$(string.{name})"


def _text(root: ET.Element) -> str:
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"

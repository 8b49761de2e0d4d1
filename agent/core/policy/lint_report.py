"""Findings of the policy linter as text, JSON, or SARIF 2.1.0 (which code-scanning services and pipelines read)."""

import json
from collections.abc import Sequence
from typing import Any, Literal

from agent.core.control import CONTROLS
from agent.core.deviation import Severity
from agent.core.policy.lint_files import Finding

Format = Literal["text", "json", "sarif"]
SCHEMA = "mcp-compliance/policy-lint/1"
_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
_SCORES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
    Severity.INFO: "0.0",
}


def render(findings: Sequence[Finding], form: Format, *, version: str) -> str:
    """Return the findings in one of the forms; `version` is the program's own."""
    if form == "text":
        return as_text(findings)
    value = as_sarif(findings, version=version) if form == "sarif" else as_json(findings)
    return json.dumps(value, indent=2, ensure_ascii=False)


def as_text(findings: Sequence[Finding]) -> str:
    """Return one paragraph for each finding, as compilers write them: `file:line:column: severity: what (control)`."""
    if not findings:
        return "No weakness found."
    paragraphs = []
    for finding in findings:
        where = ":".join(str(part) for part in (finding.path, finding.line, finding.column) if part is not None)
        lines = [f"{where}: {finding.severity}: {finding.text} [{finding.control}/{finding.code}]"]
        if finding.pointer:
            lines.append(f"    at {finding.pointer}")
        lines.append(f"    {finding.remedy}")
        if finding.corrected is not None:
            lines.append(f"    {finding.corrected}")
        paragraphs.append("\n".join(lines))
    counts = {severity: sum(finding.severity is severity for finding in findings) for severity in Severity}
    total = ", ".join(f"{count} {severity}" for severity, count in counts.items() if count)
    return "\n".join([*paragraphs, f"{len(findings)} finding{'' if len(findings) == 1 else 's'}: {total}."])


def as_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the findings as one JSON document."""
    return {
        "schema": SCHEMA,
        "findings": [
            {
                "control": finding.control,
                "code": finding.code,
                "severity": finding.severity.value,
                "path": finding.path,
                "pointer": finding.pointer,
                "line": finding.line,
                "column": finding.column,
                "text": finding.text,
                "remedy": finding.remedy,
                "corrected": finding.corrected,
            }
            for finding in findings
        ],
    }


def as_sarif(findings: Sequence[Finding], *, version: str) -> dict[str, Any]:
    """Return the findings as a SARIF log of one run, one rule for each control that was met."""
    met = sorted({finding.control for finding in findings})
    return {
        "$schema": _SARIF,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "mcp-compliance policy lint",
                        "version": version,
                        "rules": [_rule(control) for control in met],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, met.index(finding.control)) for finding in findings],
            }
        ],
    }


def _rule(control: str) -> dict[str, Any]:
    known = CONTROLS[control]
    return {
        "id": known.id,
        "shortDescription": {"text": known.title},
        "help": {"text": known.remedy},
        "defaultConfiguration": {"level": _LEVELS[known.severity]},
        "properties": {"security-severity": _SCORES[known.severity], "tags": ["security", *known.owasp]},
    }


def _result(finding: Finding, index: int) -> dict[str, Any]:
    location: dict[str, Any] = {"artifactLocation": {"uri": finding.path.replace("\\", "/")}}
    if finding.line is not None:
        location["region"] = {"startLine": finding.line, "startColumn": finding.column or 1}
    place: dict[str, Any] = {"physicalLocation": location}
    if finding.pointer:
        place["logicalLocations"] = [{"fullyQualifiedName": finding.pointer, "kind": "member"}]
    corrected = f" Corrected: {finding.corrected}" if finding.corrected is not None else ""
    return {
        "ruleId": finding.control,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.text} {finding.remedy}{corrected}"},
        "locations": [place],
        "partialFingerprints": {"trap": f"{finding.code}:{finding.pointer}"},
    }

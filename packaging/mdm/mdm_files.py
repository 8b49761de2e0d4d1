"""Writes what device management is given: configuration profiles, the administrative template, the Jamf manifest.

`python packaging/mdm/mdm_files.py` writes the files of this folder anew (`make docs`); with --endpoint and --team-id it writes
the profiles of one organisation into --out, with --public-key those who sign its baselines too. The keys are Apple's
(https://developer.apple.com/documentation/devicemanagement), Microsoft's
(https://learn.microsoft.com/previous-versions/windows/desktop/Policy/admx-schema) and Jamf's
(https://docs.jamf.com/technical-papers/jamf-pro/json-schema/).
"""

import argparse
import json
import plistlib
import sys
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from admx import TEMPLATE, language, template
from mdm_settings import Setting, sections, settings

from agent.core.own_places import PLACES, PREFERENCES_DOMAIN

FOLDER = Path(__file__).parent
ENDPOINT = "https://mcp-compliance.example.com/v1/events"
TEAM = "TEAMID0000"
Held = Literal["token_file", "enrolment_key_file"]
"""The settings that may name the file with the secret by which a device reports."""

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, PREFERENCES_DOMAIN)


def settings_profile(endpoint: str, public_keys: Sequence[str] = (), named: Held = "token_file") -> dict[str, Any]:
    """Return the profile that sets the agent. Anybody on a Mac can read it: it names the secret's file, never the secret."""
    token = str(Path(PLACES["macos"].settings).parent / "token")
    payload: dict[str, Any] = {"endpoint": {"url": endpoint, named: token}}
    if public_keys:
        payload["baseline"] = {"public_keys": list(public_keys)}
    return _profile("settings", "Settings of the MCP compliance agent", PREFERENCES_DOMAIN, payload)


def privacy_profile(team: str) -> dict[str, Any]:
    """Return the profile that lets the agent read protected folders (Full Disk Access), by path and by who signed it."""
    requirement = (
        f'identifier "{PREFERENCES_DOMAIN}" and anchor apple generic and certificate leaf[subject.OU] = "{team}"'
    )
    entry = {
        "Identifier": f"{PLACES['macos'].program}/mcp-compliance",
        "IdentifierType": "path",
        "CodeRequirement": requirement,
        "StaticCode": False,
        "Allowed": True,
        "Comment": "Configuration of MCP clients lies in folders that macOS protects.",
    }
    kind = "com.apple.TCC.configuration-profile-policy"
    payload = {"Services": {"SystemPolicyAllFiles": [entry]}}
    return _profile("privacy", "Full Disk Access for the MCP compliance agent", kind, payload)


def background_profile(team: str) -> dict[str, Any]:
    """Return the profile that keeps users from being asked about, or switching off, the launch daemon (macOS 13 and newer)."""
    rule = {
        "RuleType": "Label",
        "RuleValue": PREFERENCES_DOMAIN,
        "TeamIdentifier": team,
        "Comment": "The MCP compliance agent",
    }
    return _profile(
        "background",
        "The MCP compliance agent runs in the background",
        "com.apple.servicemanagement",
        {"Rules": [rule]},
    )


def _profile(name: str, title: str, kind: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    def head(identifier: str, kind: str) -> dict[str, Any]:
        return {
            "PayloadIdentifier": identifier,
            "PayloadUUID": str(uuid.uuid5(_NAMESPACE, identifier)).upper(),
            "PayloadType": kind,
            "PayloadVersion": 1,
            "PayloadDisplayName": title,
        }

    identifier = f"{PREFERENCES_DOMAIN}.{name}"
    return {
        **head(identifier, "Configuration"),
        "PayloadScope": "System",
        "PayloadRemovalDisallowed": True,
        "PayloadContent": [{**head(f"{identifier}.payload", kind), **payload}],
    }


def jamf_manifest() -> dict[str, Any]:
    """Return the JSON schema from which Jamf Pro makes a form for the settings."""
    by_section: dict[str, dict[str, Any]] = {
        section.name: {"title": section.name, "description": section.description, "type": "object", "properties": {}}
        for section in sections()
    }
    top: dict[str, Any] = {}
    for setting in settings():
        into = by_section[setting.section]["properties"] if setting.section in by_section else top
        into[setting.key or setting.section] = _jamf_property(setting)
    return {
        "title": f"MCP compliance agent ({PREFERENCES_DOMAIN})",
        "description": "Settings of the MCP compliance agent; every one has a default that is right for a laptop.",
        "options": {"remove_empty_properties": True},
        "properties": {**by_section, **top},
    }


def _jamf_property(setting: Setting) -> dict[str, Any]:
    shapes: Mapping[str, dict[str, Any]] = {
        "boolean": {"type": "boolean"},
        "number": {"type": "integer", "maximum": setting.maximum},
        "text": {"type": "string"},
        "texts": {"type": "array", "items": {"type": "string"}},
        "choices": {"type": "object", "additionalProperties": {"type": "string", "enum": list(setting.choices)}},
    }
    default = {} if setting.default in (None, []) else {"default": setting.default}
    head = {"title": setting.key or setting.section, "description": setting.description}
    return {key: value for key, value in {**head, **shapes[setting.kind], **default}.items() if value is not None}


def profiles(
    endpoint: str,
    team: str,
    public_keys: Sequence[str] = (),
    named: Held = "token_file",
) -> dict[str, str]:
    """Return the three profiles by file name."""
    made = {
        "settings.mobileconfig": settings_profile(endpoint, public_keys, named),
        "privacy.mobileconfig": privacy_profile(team),
        "background.mobileconfig": background_profile(team),
    }
    return {name: plistlib.dumps(profile, sort_keys=False).decode() for name, profile in made.items()}


def generated() -> dict[str, str]:
    """Return every generated file of this folder."""
    return {
        **{f"profiles/{name}": text for name, text in profiles(ENDPOINT, TEAM).items()},
        f"admx/{TEMPLATE}.admx": template(),
        f"admx/en-US/{TEMPLATE}.adml": language(),
        "jamf/settings-manifest.json": json.dumps(jamf_manifest(), indent=2) + "\n",
    }


def main() -> int:
    """Write the files of this folder, or the profiles of one organisation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint", help="the https:// address that takes the reports")
    parser.add_argument("--team-id", help="the Apple team that signed the program")
    parser.add_argument(
        "--public-key", type=Path, action="append", help="file with a key that signs baselines (repeatable)"
    )
    parser.add_argument(
        "--enrolment",
        dest="named",
        action="store_const",
        const="enrolment_key_file",
        default="token_file",
        help="the token's file holds the enrolment key of the central endpoint",
    )
    parser.add_argument("--out", type=Path, help="folder for the profiles")
    given = parser.parse_args()
    single = (given.endpoint, given.team_id, given.out)
    if any(single) and not all(single):
        parser.error("--endpoint, --team-id and --out belong together")
    folder = given.out or FOLDER
    keys = [file.read_text(encoding="utf-8").strip() for file in given.public_key or ()]
    made = profiles(given.endpoint, given.team_id, keys, given.named) if given.out else generated()
    for name, text in made.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The controls: stable, named checks with their default severity, title, remedy and framework identifiers, in one table.

Framework ids: MITRE ATLAS 5.6.0, OWASP MCP Top 10 (beta, 2025 ids) and MITRE ATT&CK Enterprise. They say what an attacker
gains where the control fails. Ids are published and stay; new controls may be added.
"""

from dataclasses import dataclass

from agent.core.deviation import Severity

_CRITICAL, _HIGH, _MEDIUM, _LOW, _INFO = Severity


@dataclass(frozen=True, slots=True)
class Control:
    """One check. `remedy` is what IT must do, in one sentence; a deviation may say more."""

    id: str
    severity: Severity
    title: str
    remedy: str
    atlas: tuple[str, ...] = ()
    owasp: tuple[str, ...] = ()
    attack: tuple[str, ...] = ()


def within(title: str) -> str:
    """Return a title as it stands within a sentence."""
    return title[:1].lower() + title[1:]


_PUSH = "Push the managed files again from the MDM."
_SHADOW = ("MCP09:2025",)
_SUPPLY = ("MCP04:2025",)

_TABLE = (
    Control(
        "server.denied.running",
        _CRITICAL,
        "A server that the policy blocks is running",
        "Stop the server, remove its entry, and find out why its client let it run.",
        ("AML.T0053", "AML.T0112.000"),
        _SHADOW,
        ("T1059",),
    ),
    Control(
        "server.unapproved.running",
        _HIGH,
        "A running server matches no approved entry",
        "Have the server reviewed and add it to the allowlist, or stop it and remove what starts it.",
        ("AML.T0053", "AML.T0010.005"),
        _SHADOW,
        ("T1059",),
    ),
    Control(
        "server.unapproved.configured",
        _MEDIUM,
        "A client that does not enforce the policy is configured with a server that the policy blocks",
        "Remove the entry from that client, or have the server reviewed and add it to the allowlist.",
        ("AML.T0081", "AML.T0010.005"),
        _SHADOW,
        ("T1554",),
    ),
    Control(
        "server.blocked.configured",
        _INFO,
        "A client holds an entry that it will refuse",
        "Nothing must be done: the client refuses it. Remove the entry to spare its user the question.",
        (),
        _SHADOW,
    ),
    Control(
        "server.flag-injected",
        _HIGH,
        "A server came by command line or environment rather than from a file",
        "Find out who started the client with that option, and have the server reviewed.",
        ("AML.T0081",),
        _SHADOW,
        ("T1059",),
    ),
    Control(
        "server.unpinned",
        _LOW,
        "An allowed command resolves to whatever version is newest",
        "Name an exact version in the allowlist entry and in the clients' configuration.",
        ("AML.T0109",),
        _SUPPLY,
        ("T1195.002",),
    ),
    Control(
        "server.env-override",
        _HIGH,
        "An allowed server's environment changes what runs",
        "Remove the variable from the server's entry.",
        ("AML.T0081",),
        _SUPPLY,
        ("T1574",),
    ),
    Control(
        "server.substituted",
        _HIGH,
        "An approved command runs something else than it says",
        "Find out what stands in place of the approved program: a wrapper in PATH, a package of the project, an edited script.",
        ("AML.T0081", "AML.T0010.005"),
        _SUPPLY,
        ("T1574.007", "T1554"),
    ),
    Control(
        "server.exposed",
        _MEDIUM,
        "A running server accepts connections from the network",
        "Have it listen on 127.0.0.1 alone, or stop it: whoever reaches the port can use its tools.",
        ("AML.T0049",),
        ("MCP07:2025",),
        ("T1133",),
    ),
    Control(
        "server.secret-in-config",
        _LOW,
        "A credential stands in clear text in a configuration file",
        "Move the credential to the system's key store and rotate it.",
        ("AML.T0083",),
        ("MCP01:2025",),
        ("T1552.001",),
    ),
    Control(
        "managed-file.missing",
        _CRITICAL,
        "A managed file is missing",
        _PUSH,
        ("AML.T0081",),
        ("MCP08:2025",),
        ("T1562.001",),
    ),
    Control(
        "managed-file.modified",
        _CRITICAL,
        "A managed file was modified",
        _PUSH,
        ("AML.T0081",),
        ("MCP08:2025",),
        ("T1562.001",),
    ),
    Control(
        "managed-file.malformed",
        _CRITICAL,
        "A managed file cannot be parsed",
        "Correct the file in the MDM and push it again.",
        ("AML.T0081",),
        ("MCP08:2025",),
        ("T1562.001",),
    ),
    Control(
        "managed-file.unreadable",
        _HIGH,
        "A managed file cannot be read by the client that must obey it",
        "Give the file mode 0644 and its folders mode 0755, owned by root.",
        ("AML.T0081",),
        ("MCP08:2025",),
        ("T1562.001",),
    ),
    Control(
        "managed-file.misplaced",
        _HIGH,
        "A managed file lies where no client reads it",
        "Move the file to the documented folder and name.",
        (),
        ("MCP08:2025",),
    ),
    Control(
        "managed-file.unexpected",
        _HIGH,
        "A managed file that nobody deployed",
        "Find out who put the file there; remove it or add it to the baseline.",
        ("AML.T0081",),
        ("MCP08:2025",),
        ("T1562.001",),
    ),
    Control(
        "managed-file.exposed",
        _CRITICAL,
        "Someone other than administrators can change a managed file",
        "Make root own the file and every folder above it, and let nobody else write them.",
        ("AML.T0081",),
        ("MCP08:2025",),
        ("T1222",),
    ),
    Control(
        "baseline.refused",
        _HIGH,
        "A baseline that does not count",
        "Push the newest baseline of your organisation, with its signature.",
        ("AML.T0081",),
        ("MCP08:2025",),
        ("T1562.001",),
    ),
    Control(
        "baseline.missing",
        _HIGH,
        "There is no baseline, and the settings or an earlier look call for one",
        "Push the newest baseline of your organisation, with its signature.",
        ("AML.T0081",),
        ("MCP08:2025",),
        ("T1562.001",),
    ),
    Control(
        "agent.exposed",
        _CRITICAL,
        "Someone other than administrators can change the agent itself",
        "Make root own the agent's program, settings and state and every folder above them, and let nobody else write them.",
        ("AML.T0081",),
        ("MCP08:2025",),
        ("T1222", "T1562.001"),
    ),
    Control(
        "policy.not-effective",
        _HIGH,
        "The managed files are intact and another source takes their place",
        "Remove the source that takes their place, or deploy the policy there.",
        ("AML.T0081",),
        ("MCP08:2025",),
        ("T1562.001",),
    ),
    Control(
        "policy.client-refuses",
        _HIGH,
        "The client will not start under the deployed policy",
        "Correct the file that the client cannot read and push it again.",
        (),
        ("MCP08:2025",),
    ),
    Control(
        "policy.soft-allowlist",
        _HIGH,
        "Users can widen the allowlist themselves",
        'Add `"allowManagedMcpServersOnly": true` to the managed settings.',
        ("AML.T0081",),
        _SHADOW,
        ("T1562.001",),
    ),
    Control(
        "policy.lock-without-list",
        _CRITICAL,
        "The allowlist is locked and empty of any list, so every server passes",
        "Add `allowedMcpServers` to the managed settings; `[]` blocks everything.",
        ("AML.T0081",),
        _SHADOW,
        ("T1562.001",),
    ),
    Control(
        "policy.name-only",
        _HIGH,
        "An allow entry by name decides something, and a name proves nothing",
        "Replace the entry by the exact `serverCommand` or a `serverUrl`.",
        ("AML.T0010.005",),
        _SHADOW,
        ("T1036.005",),
    ),
    Control(
        "policy.broad-pattern",
        _MEDIUM,
        "A URL pattern admits more than one organisation would mean",
        "Narrow the pattern to the host and path that are meant.",
        ("AML.T0010.005",),
        _SUPPLY,
        ("T1036.005",),
    ),
    Control(
        "policy.invalid-entry",
        _MEDIUM,
        "The client drops an entry of the policy",
        "Correct the entry: exactly one of serverName, serverCommand, serverUrl.",
    ),
    Control(
        "policy.inert-entry",
        _HIGH,
        "An entry of the policy can never match what it was written for",
        "Write the entry in the form that the client understands.",
        (),
        _SHADOW,
    ),
    Control(
        "policy.evadable-denial",
        _LOW,
        "A deny entry that a small change evades",
        "Deny the whole host, or rely on an allowlist.",
        ("AML.T0081",),
        _SHADOW,
    ),
    Control(
        "policy.ignored-file",
        _HIGH,
        "The client ignores a file that looks like a part of the policy",
        "Rename the file so that it ends in .json, and keep it in managed-settings.d itself.",
        (),
        ("MCP08:2025",),
    ),
    Control(
        "policy.environment-dependent",
        _MEDIUM,
        "A rule depends on the environment, which the user controls",
        "Write the value instead of the variable.",
        ("AML.T0081",),
        (),
        ("T1574.007",),
    ),
    Control(
        "policy.missing",
        _HIGH,
        "A client is installed and no managed policy exists",
        "Deploy managed-settings.json with an allowlist and the lock.",
        (),
        ("MCP09:2025", "MCP08:2025"),
    ),
    Control(
        "client.outdated",
        _HIGH,
        "A client's version has known holes in policy enforcement",
        "Update the client.",
        (),
        _SUPPLY,
        ("T1211",),
    ),
    Control(
        "agent.blind",
        _MEDIUM,
        "A part of the machine could not be looked at",
        "Give the agent the right to read it, or correct the file it names.",
        (),
        ("MCP08:2025",),
        ("T1562.001",),
    ),
    Control(
        "agent.degraded",
        _MEDIUM,
        "The agent itself is not in good order",
        "See `mcp-compliance doctor` on the device.",
        (),
        ("MCP08:2025",),
    ),
)

CONTROLS = {control.id: control for control in _TABLE}
"""Every control by its id, in the order in which they are documented."""

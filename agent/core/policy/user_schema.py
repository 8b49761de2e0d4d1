"""Which values in a settings file of a user, project or `--settings` make Claude Code ignore the whole file.

Observed with 2.1.330, key by key: one known key of a wrong type costs the file, its deny list with it. Unknown keys and invalid
list entries do not, and neither does what the managed files may hold in the same keys. The table holds what was asked; it is not
the client's whole schema.
"""

from collections.abc import Mapping
from typing import Any

from agent.core.jsonkinds import Check, is_count, is_text, is_texts, is_truth


def _object(value: object) -> bool:
    return isinstance(value, dict)


def _list(value: object) -> bool:
    return isinstance(value, list)


def _rate(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _or_text(check: Check) -> Check:
    return lambda value: isinstance(value, str) or check(value)


def _or_null(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _objects(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _one_of(words: str) -> Check:
    known = frozenset(words.split())
    return lambda value: isinstance(value, str) and value in known


def _fields(checks: Mapping[str, Check]) -> Check:
    """Return the check of an object in which the named members, where they are there, pass theirs."""
    return lambda value: (
        isinstance(value, dict) and all(check(value[key]) for key, check in checks.items() if key in value)
    )


def _rows(check: Check, keys: str) -> dict[str, Check]:
    return dict.fromkeys(keys.split(), check)


_PERMISSIONS: Mapping[str, Check] = {
    **_rows(_list, "allow deny ask additionalDirectories"),
    **_rows(_one_of("default acceptEdits plan bypassPermissions dontAsk auto manual"), "defaultMode"),
    **_rows(_one_of("disable"), "disableBypassPermissionsMode"),
}
_SANDBOX: Mapping[str, Check] = {
    **_rows(
        is_truth,
        "enabled failIfUnavailable autoAllowBashIfSandboxed allowUnsandboxedCommands enableWeakerNestedSandbox",
    ),
    **_rows(_list, "excludedCommands"),
    **_rows(_object, "network filesystem ripgrep"),
}
_CHECKS: Mapping[str, Check] = {
    **_rows(
        is_truth,
        "alwaysThinkingEnabled autoMemoryEnabled disableAllHooks fastMode includeCoAuthoredBy "
        "includeGitInstructions prefersReducedMotion promptSuggestionEnabled respectGitignore "
        "showThinkingSummaries skipDangerousModePermissionPrompt skipWebFetchPreflight spinnerTipsEnabled "
        "syntaxHighlightingDisabled terminalTitleFromRename wslInheritsWindowsSettings",
    ),
    **_rows(
        _or_null(is_truth),
        "allowManagedHooksOnly allowManagedMcpServersOnly allowManagedPermissionRulesOnly channelsEnabled "
        "disableClaudeAiConnectors disableSideloadFlags enableAllProjectMcpServers",
    ),
    **_rows(
        is_text,
        "$schema agent apiKeyHelper awsAuthRefresh awsCredentialExport "
        "gcpAuthRefresh language minimumVersion model otelHeadersHelper outputStyle "
        "plansDirectory requiredMinimumVersion",
    ),
    **_rows(is_texts, "availableModels claudeMdExcludes companyAnnouncements"),
    **_rows(_list, "allowedChannelPlugins allowedHttpHookUrls fallbackModel httpHookAllowedEnvVars"),
    **_rows(_objects, "sshConfigs"),
    **_rows(_or_null(_objects), "blockedMarketplaces strictKnownMarketplaces"),
    **_rows(_or_text(is_texts), "disabledMcpjsonServers enabledMcpjsonServers forceLoginOrgUUID"),
    **_rows(
        _object,
        "attribution autoMode enabledPlugins env fileSuggestion modelOverrides pluginConfigs "
        "spinnerVerbs statusLine worktree",
    ),
    **_rows(_fields(_PERMISSIONS), "permissions"),
    **_rows(_fields(_SANDBOX), "sandbox"),
    **_rows(_one_of("latest stable rc"), "autoUpdatesChannel"),
    **_rows(_one_of("bash powershell"), "defaultShell"),
    **_rows(_one_of("disable"), "disableAutoMode"),
    **_rows(_one_of("first-wins merge"), "parentSettingsBehavior"),
    **_rows(is_count, "cleanupPeriodDays"),
    **_rows(_rate, "feedbackSurveyRate"),
}


def fits(key: str, value: object) -> bool:
    """Say whether `value` is one that the client takes for `key`; true where it was not asked about that key."""
    return key not in _CHECKS or _CHECKS[key](value)


def ignored_for(settings: Mapping[str, Any]) -> str | None:
    """Return the first key whose value makes the client ignore the whole file, None where there is none."""
    return next((key for key, value in settings.items() if not fits(key, value)), None)

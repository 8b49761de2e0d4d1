"""Which values in a settings file of a user, project or `--settings` make Claude Code ignore the whole file.

Observed with 2.1.330, key by key: one known key of a wrong type costs the file, its deny list with it. Unknown keys and invalid
list entries do not, and neither does what the managed files may hold in the same keys. The table holds types alone: values that a
key of the right type may not take (an unknown mode, say) are not in it.
"""

from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[object], bool]


def _truth(value: object) -> bool:
    return isinstance(value, bool)


def _text(value: object) -> bool:
    return isinstance(value, str)


def _object(value: object) -> bool:
    return isinstance(value, dict)


def _list(value: object) -> bool:
    return isinstance(value, list)


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _days(value: object) -> bool:
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return whole and not isinstance(value, bool) and isinstance(value, int | float) and value > 0


def _rate(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _or_text(check: Check) -> Check:
    return lambda value: isinstance(value, str) or check(value)


def _or_null(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _objects(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _permissions(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    lists = all(isinstance(value.get(key, []), list) for key in ("allow", "deny", "ask", "additionalDirectories"))
    return lists and isinstance(value.get("defaultMode", ""), str)


def _rows(check: Check, keys: str) -> dict[str, Check]:
    return dict.fromkeys(keys.split(), check)


_CHECKS: Mapping[str, Check] = {
    **_rows(
        _truth,
        "alwaysThinkingEnabled autoMemoryEnabled disableAllHooks fastMode includeCoAuthoredBy "
        "includeGitInstructions prefersReducedMotion promptSuggestionEnabled respectGitignore "
        "showThinkingSummaries skipDangerousModePermissionPrompt skipWebFetchPreflight spinnerTipsEnabled "
        "syntaxHighlightingDisabled terminalTitleFromRename wslInheritsWindowsSettings",
    ),
    **_rows(
        _or_null(_truth),
        "allowManagedHooksOnly allowManagedMcpServersOnly allowManagedPermissionRulesOnly channelsEnabled "
        "disableClaudeAiConnectors disableSideloadFlags enableAllProjectMcpServers",
    ),
    **_rows(
        _text,
        "$schema agent apiKeyHelper autoUpdatesChannel awsAuthRefresh awsCredentialExport defaultShell "
        "disableAutoMode gcpAuthRefresh language minimumVersion model otelHeadersHelper outputStyle "
        "parentSettingsBehavior plansDirectory requiredMinimumVersion",
    ),
    **_rows(_texts, "availableModels claudeMdExcludes companyAnnouncements"),
    **_rows(_list, "allowedChannelPlugins allowedHttpHookUrls fallbackModel httpHookAllowedEnvVars"),
    **_rows(_objects, "sshConfigs"),
    **_rows(_or_null(_objects), "blockedMarketplaces strictKnownMarketplaces"),
    **_rows(_or_text(_texts), "disabledMcpjsonServers enabledMcpjsonServers forceLoginOrgUUID"),
    **_rows(
        _object,
        "attribution autoMode enabledPlugins env fileSuggestion modelOverrides pluginConfigs sandbox "
        "spinnerVerbs statusLine worktree",
    ),
    **_rows(_permissions, "permissions"),
    **_rows(_days, "cleanupPeriodDays"),
    **_rows(_rate, "feedbackSurveyRate"),
}


def ignored_for(settings: Mapping[str, Any]) -> str | None:
    """Return the first key whose value makes the client ignore the whole file, None where there is none."""
    return next((key for key, value in settings.items() if key in _CHECKS and not _CHECKS[key](value)), None)

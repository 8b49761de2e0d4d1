# Intune custom compliance, discovery script (Windows): one line of JSON, which rules.json is held to.
# Run in the system context, as 64-bit PowerShell, without signature check unless you sign it.
$program = Join-Path $env:ProgramW6432 'MCP Compliance Agent\mcp-compliance.exe'
if (Test-Path -LiteralPath $program -PathType Leaf) {
    & $program status --format intune
} else {
    ConvertTo-Json -Compress -InputObject @{
        State = 'unknown'; AgentAlive = $false; DataAgeSeconds = -1; OpenDeviations = 0; WorstSeverity = 'none'
        PolicyState = 'unknown'; ReportsGetThrough = $false; AgentVersion = 'none'; Why = 'The agent is not installed.'
    }
}
exit 0

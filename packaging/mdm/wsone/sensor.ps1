# Workspace ONE sensor (Windows; response type: string, execution context: system, architecture: 64-bit): compliant, deviating or unknown.
$program = Join-Path $env:ProgramW6432 'MCP Compliance Agent\mcp-compliance.exe'
if (Test-Path -LiteralPath $program -PathType Leaf) {
    Write-Output (& $program status --format wsone)
} else {
    Write-Output 'unknown'
}
exit 0

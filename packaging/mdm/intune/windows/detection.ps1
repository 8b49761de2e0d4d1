# Intune detection script of the Win32 app: exit 0 with something on standard output means installed.
$program = Join-Path $env:ProgramW6432 'MCP Compliance Agent\mcp-compliance.exe'
$service = Get-Service -Name 'mcp-compliance-agent' -ErrorAction SilentlyContinue
if ($service -and (Test-Path -LiteralPath $program -PathType Leaf)) {
    Write-Output (Get-Item -LiteralPath $program).VersionInfo.ProductVersion
    Write-Output "service: $($service.Status)"
    exit 0
}
exit 1

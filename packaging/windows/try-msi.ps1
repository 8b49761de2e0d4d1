# Install an MSI on this Windows, see the service run and the agent answer, purge it, and find nothing left: try-msi.ps1 -Msi FILE
param([Parameter(Mandatory = $true)] [string] $Msi)
$ErrorActionPreference = 'Stop'
$folder = Join-Path $env:ProgramW6432 'MCP Compliance Agent'
$data = Join-Path $env:ProgramData 'MCPComplianceAgent'
$program = Join-Path $folder 'mcp-compliance.exe'
if ((Test-Path -LiteralPath $folder) -or (Test-Path -LiteralPath $data)) {
    throw 'The agent is installed here already: a trial ends in a purge, and would take its settings and state.'
}

function Invoke-Installer([string[]] $Arguments) {
    $done = Start-Process -FilePath 'msiexec.exe' -ArgumentList ($Arguments + '/qn') -Wait -PassThru
    if ($done.ExitCode -ne 0) { throw "msiexec $Arguments ended with $($done.ExitCode)" }
}

$package = (Resolve-Path -LiteralPath $Msi).Path
Invoke-Installer @('/i', "`"$package`"")
if ((Get-Service -Name 'mcp-compliance-agent').Status -ne 'Running') { throw 'The service does not run.' }
$until = (Get-Date).AddSeconds(60)
do {
    Start-Sleep -Seconds 1
    & $program status --format exit # 2: it has not spoken yet
} while ($LASTEXITCODE -eq 2 -and (Get-Date) -lt $until)
if ($LASTEXITCODE -eq 2) { throw 'The agent said nothing within a minute.' }
& $program selfcheck
if ($LASTEXITCODE -ne 0) { throw 'The installed program is not whole.' }

Invoke-Installer @('/x', "`"$package`"", 'PURGE=1')
foreach ($left in $folder, $data) {
    if (Test-Path -LiteralPath $left) { throw "left behind: $left" }
}
if (Get-Service -Name 'mcp-compliance-agent' -ErrorAction SilentlyContinue) { throw 'The service is still registered.' }

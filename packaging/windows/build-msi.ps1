# Make the MSI of a frozen program on Windows, with WiX 3:
#   build-msi.ps1 -Program dist\mcp-compliance-agent -Version 1.2.3 -Msi dist\mcp-compliance-agent-1.2.3.msi [-Certificate THUMBPRINT]
# With a certificate (of the machine's or user's store) the program and the MSI are signed and timestamped; without one nothing is.
param(
    [Parameter(Mandatory = $true)] [string] $Program,
    [Parameter(Mandatory = $true)] [string] $Version,
    [Parameter(Mandatory = $true)] [string] $Msi,
    [string] $Certificate = '',
    [string] $TimestampServer = 'http://timestamp.digicert.com'
)
$ErrorActionPreference = 'Stop'
if (-not $env:WIX) { throw 'WiX 3 is missing: its installer sets the variable WIX.' }

function Invoke-Step([string] $Tool, [string[]] $Arguments) {
    & $Tool @Arguments
    if ($LASTEXITCODE -ne 0) { throw "$Tool ended with $LASTEXITCODE" }
}

function Add-Signature([string[]] $Files) {
    if ($Certificate) {
        Invoke-Step 'signtool.exe' (@('sign', '/sha1', $Certificate, '/fd', 'SHA256', '/tr', $TimestampServer, '/td', 'SHA256') + $Files)
    }
}

$source = (Resolve-Path -LiteralPath $Program).Path
$wxs = Join-Path $PSScriptRoot 'mcp-compliance-agent.wxs'
$tools = Join-Path $env:WIX 'bin'
$work = Join-Path ([System.IO.Path]::GetTempPath()) ([System.Guid]::NewGuid().ToString())
New-Item -ItemType Directory -Path $work | Out-Null
try {
    Add-Signature @(Join-Path $source 'mcp-compliance.exe')
    $files = Join-Path $work 'files.wxs'
    # The program itself stands in the description, as the service; all else lies in _internal.
    Invoke-Step (Join-Path $tools 'heat.exe') @('dir', (Join-Path $source '_internal'), '-nologo', '-cg', 'Program', '-dr', 'INSTALLDIR',
        '-ag', '-sfrag', '-sreg', '-scom', '-var', 'var.Internal', '-out', $files)
    Invoke-Step (Join-Path $tools 'candle.exe') @('-nologo', '-arch', 'x64', "-dVersion=$Version", "-dSource=$source",
        "-dInternal=$(Join-Path $source '_internal')", '-out', "$work\", $wxs, $files)
    Invoke-Step (Join-Path $tools 'light.exe') @('-nologo', '-out', $Msi, (Join-Path $work 'mcp-compliance-agent.wixobj'),
        (Join-Path $work 'files.wixobj'))
    Add-Signature @($Msi)
} finally {
    Remove-Item -Recurse -Force -LiteralPath $work
}

# What `make release` does, on Windows: freeze, selfcheck, bills of materials, MSI, its trial, and the gathering in dist\release.
#   release.ps1 -Python .venv\freeze\Scripts\python.exe [-Tag v1.2.3] [-Certificate THUMBPRINT]
# -Python is one with requirements/freeze.txt. release.py refuses where version, changelog, commit, program and trial disagree.
param(
    [Parameter(Mandatory = $true)] [string] $Python,
    [string] $Tag = '',
    [string] $Certificate = ''
)
$ErrorActionPreference = 'Stop'

function Invoke-Step([string] $Tool, [string[]] $Arguments) {
    & $Tool @Arguments
    if ($LASTEXITCODE -ne 0) { throw "$Tool $Arguments ended with $LASTEXITCODE" }
}

$version = & $Python -c 'import agent; print(agent.__version__)'
if ($Tag -and $Tag -ne "v$version") { throw "The tag is $Tag, and this is $version." }
Invoke-Step $Python @('packaging/release/release.py', '--may')

$env:SOURCE_DATE_EPOCH = & 'git.exe' @('log', '-1', '--format=%ct')
$env:PYTHONHASHSEED = '0'
foreach ($name in 'mcp-compliance', 'mcp-compliance-osquery') {
    Invoke-Step $Python @('-m', 'PyInstaller', '--noconfirm', '--clean', '--log-level', 'ERROR', '--distpath', 'dist', '--workpath', 'build',
        "packaging/pyinstaller/$name.spec")
}
Invoke-Step 'dist\mcp-compliance-agent\mcp-compliance.exe' @('selfcheck')
foreach ($pair in @('mcp-compliance', 'mcp-compliance-agent'), @('mcp-compliance-osquery', 'mcp-compliance-osquery')) {
    $bill = & $Python 'packaging/release/sbom.py' "build/$($pair[0])" "dist/$($pair[1])"
    if ($LASTEXITCODE -ne 0) { throw "There is no bill of materials of $($pair[1])." }
    [System.IO.File]::WriteAllLines((Join-Path $PWD "dist\$($pair[1]).cdx.json"), $bill)
}
$msi = "dist\mcp-compliance-agent-$version.msi"
& (Join-Path $PSScriptRoot 'build-msi.ps1') -Program 'dist\mcp-compliance-agent' -Version $version -Msi $msi -Certificate $Certificate
& (Join-Path $PSScriptRoot 'try-msi.ps1') -Msi $msi
Invoke-Step $Python @('packaging/release/passed.py', 'dist', $msi)
Invoke-Step $Python @('packaging/release/release.py')

# Puts the endpoint's token where the settings look for it: readable by SYSTEM and administrators alone, on no command line.
# Paste the token into the MDM's own, access-controlled copy of this script; never commit it.
$ErrorActionPreference = 'Stop'
$token = 'PASTE-THE-TOKEN-HERE'
if ($token.StartsWith('PASTE-')) { Write-Error 'No token was pasted into this script; nothing was changed.'; exit 1 }

$folder = Join-Path $env:ProgramData 'MCPComplianceAgent'
New-Item -ItemType Directory -Force -Path $folder | Out-Null
$new = Join-Path $folder 'token.new'
$acl = New-Object System.Security.AccessControl.FileSecurity
$acl.SetAccessRuleProtection($true, $false)
foreach ($sid in 'S-1-5-18', 'S-1-5-32-544') {
    $who = New-Object System.Security.Principal.SecurityIdentifier $sid
    $acl.AddAccessRule((New-Object System.Security.AccessControl.FileSystemAccessRule $who, 'FullControl', 'Allow'))
}
New-Item -ItemType File -Force -Path $new | Out-Null
Set-Acl -LiteralPath $new -AclObject $acl
[System.IO.File]::WriteAllText($new, $token)
Move-Item -Force -LiteralPath $new -Destination (Join-Path $folder 'token')
Restart-Service -Name 'mcp-compliance-agent' -ErrorAction SilentlyContinue

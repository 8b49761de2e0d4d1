# Puts the endpoint's token where the settings look for it: readable by SYSTEM and administrators alone, on no command line.
# Paste the token into the MDM's own, access-controlled copy of this script; never commit it. Windows PowerShell 5.1, as SYSTEM.
$ErrorActionPreference = 'Stop'
$token = 'PASTE-THE-TOKEN-HERE'
if ($token.StartsWith('PASTE-')) {
    [Console]::Error.WriteLine('No token was pasted into this script; nothing was changed.')
    exit 1
}

$trusted = 'S-1-5-18', 'S-1-5-32-544' # SYSTEM and the administrators
$folder = Join-Path $env:ProgramData 'MCPComplianceAgent'
if (Test-Path -LiteralPath $folder) {
    # Any user may make folders in ProgramData, and whoever owns this one could put another file in the token's place.
    $owner = (Get-Acl -LiteralPath $folder).GetOwner([System.Security.Principal.SecurityIdentifier]).Value
    if ($owner -notin $trusted) {
        [Console]::Error.WriteLine("$folder belongs to $owner, not to administrators. Install the agent, which puts it aside, or remove it.")
        exit 1
    }
}

function Protect($acl, $inherited) {
    $acl.SetAccessRuleProtection($true, $false)
    foreach ($sid in $trusted) {
        $who = New-Object System.Security.Principal.SecurityIdentifier $sid
        $acl.AddAccessRule((New-Object System.Security.AccessControl.FileSystemAccessRule $who, 'FullControl', $inherited, 'None', 'Allow'))
    }
    $acl
}

if (-not (Test-Path -LiteralPath $folder)) {
    $closed = Protect (New-Object System.Security.AccessControl.DirectorySecurity) 'ContainerInherit, ObjectInherit'
    [System.IO.Directory]::CreateDirectory($folder, $closed) | Out-Null
}
# A new name, made for this file alone and closed from the first moment.
$new = Join-Path $folder ('token.' + [System.Guid]::NewGuid().ToString('N'))
$closed = Protect (New-Object System.Security.AccessControl.FileSecurity) 'None'
$file = New-Object System.IO.FileStream $new, 'CreateNew', 'FullControl', 'None', 4096, 'None', $closed
try {
    # The machine's own key protects it besides: a copy of the disk does not give it away.
    Add-Type -AssemblyName System.Security
    $scope = [System.Security.Cryptography.DataProtectionScope]::LocalMachine
    $bytes = [System.Security.Cryptography.ProtectedData]::Protect([System.Text.Encoding]::ASCII.GetBytes($token), $null, $scope)
    $file.Write($bytes, 0, $bytes.Length)
} finally {
    $file.Close()
}
Move-Item -Force -LiteralPath $new -Destination (Join-Path $folder 'token')
Restart-Service -Name 'mcp-compliance-agent' -ErrorAction SilentlyContinue

#!/bin/sh
# Munki condition: `mcp_compliance_state` (compliant, deviating, unknown) for conditional items in manifests.
# Belongs in /usr/local/munki/conditions/, executable.
program=/Library/MCPComplianceAgent/mcp-compliance
state=unknown
if [ -x "$program" ]; then
  "$program" status --format exit
  case $? in
    0) state=compliant ;;
    1) state=deviating ;;
  esac
fi
folder=$(/usr/bin/defaults read /Library/Preferences/ManagedInstalls ManagedInstallDir 2>/dev/null || echo "/Library/Managed Installs")
exec /usr/bin/defaults write "$folder/ConditionalItems" mcp_compliance_state -string "$state"

#!/bin/sh
# Kandji (Iru) custom script, remediation: starts an agent that is silent. A device that deviates is not changed: what to do is said by
# the audit, and done by whoever owns the policy or the server.
program=/Library/MCPComplianceAgent/mcp-compliance
"$program" status --format exit
if [ $? -eq 2 ]; then
  exec launchctl kickstart -k system/com.mcp-compliance.agent
fi
"$program" status --format kandji

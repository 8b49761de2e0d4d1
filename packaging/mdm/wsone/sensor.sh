#!/bin/sh
# Workspace ONE sensor (macOS, Linux; response type: string, execution context: system): compliant, deviating or unknown.
for program in /Library/MCPComplianceAgent/mcp-compliance /opt/mcp-compliance-agent/mcp-compliance; do
  if [ -x "$program" ]; then
    exec "$program" status --format wsone
  fi
done
echo unknown

#!/bin/sh
# Kandji (Iru) custom script, audit: passes where the device is compliant. What it prints is the reason; it is kept with the result.
program=/Library/MCPComplianceAgent/mcp-compliance
if [ ! -x "$program" ]; then
  echo "unknown: the agent is not installed. Assign the library item that installs it."
  exit 2
fi
exec "$program" status --format kandji

#!/bin/sh
# Munki installcheck_script: 0 means that an installation is needed, here because the agent is missing or silent.
program=/Library/MCPComplianceAgent/mcp-compliance
if [ ! -x "$program" ]; then
  echo "the agent is not installed"
  exit 0
fi
exec "$program" status --format munki

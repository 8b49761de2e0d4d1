#!/bin/sh
# Intune custom attribute for macOS (data type: string): how the device stands.
program=/Library/MCPComplianceAgent/mcp-compliance
if [ -x "$program" ]; then
  exec "$program" status --format wsone
fi
echo unknown

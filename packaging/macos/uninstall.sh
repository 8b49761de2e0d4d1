#!/bin/sh
# Removes the agent; with --purge its settings, state and log too. Runs as root, asks nothing.
set -eu

if [ "$(id -u)" -ne 0 ]; then
  echo "this takes root: sudo $0" >&2
  exit 2
fi
launchctl bootout system/com.mcp-compliance.agent 2>/dev/null || true
rm -f /Library/LaunchDaemons/com.mcp-compliance.agent.plist /etc/newsyslog.d/com.mcp-compliance.agent.conf /usr/local/bin/mcp-compliance
if [ "${1:-}" = --purge ]; then
  rm -rf "/Library/Application Support/MCPComplianceAgent" /Library/Logs/MCPComplianceAgent
fi
pkgutil --forget com.mcp-compliance.agent >/dev/null 2>&1 || true
rm -rf /Library/MCPComplianceAgent # this script too

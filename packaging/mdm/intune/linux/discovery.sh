#!/bin/sh
# Intune custom compliance, discovery script (Ubuntu, Red Hat): one line of JSON, which rules.json is held to.
program=/opt/mcp-compliance-agent/mcp-compliance
if [ -x "$program" ]; then
  exec "$program" status --format intune
fi
printf '%s\n' '{"State":"unknown","AgentAlive":false,"DataAgeSeconds":-1,"OpenDeviations":0,"WorstSeverity":"none","PolicyState":"unknown","ReportsGetThrough":false,"AgentVersion":"none","Why":"The agent is not installed."}'

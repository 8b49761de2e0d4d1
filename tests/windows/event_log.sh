#!/usr/bin/env bash
# Writes an alert into the Event Log under Wine, which keeps none but traces what it is given: source, type, id and text must be right.
set -euo pipefail
cd "$(dirname "$0")/../.."
code='
from agent.sinks.system_log import entry, system_log
from tests.unit.sinks.test_destinations import event
system_log()(entry(event(1)))
'
traced=$(WINE_TRACES=-all,err+eventlog,fixme+advapi tests/windows/wine.sh python -c "$code")
for wanted in 'RegisterEventSourceW ((null),L"mcp-compliance-agent")' 'ReportEventW (00000000CAFE4242,0x0001,0x0000,0x00000001,' \
  'A server: ann: npx thing runs' 'PRIORITY: 2\nSYSLOG_IDENTIFIER: mcp-compliance-agent\nMCP_CONTROL: server.denied.running'; do
  grep --quiet --fixed-strings "$wanted" <<<"$traced" || {
    printf 'the Event Log was not given: %s\nbut\n%s\n' "$wanted" "$traced" >&2
    exit 1
  }
done
echo "The Event Log is given an alert as an error of mcp-compliance-agent, with its text."

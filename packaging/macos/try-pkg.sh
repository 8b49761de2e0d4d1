#!/bin/sh
# Install a package on this Mac, see the daemon answer, purge it, and find nothing left: try-pkg.sh PKG. Asks for root by sudo.
set -eu

pkg=$1 label=com.mcp-compliance.agent
command -v installer >/dev/null || {
  echo "installer is missing: packages for macOS are tried on macOS" >&2
  exit 2
}
[ ! -e /Library/MCPComplianceAgent ] || {
  echo "the agent is installed here already: a trial ends in a purge, and would take its settings and state" >&2
  exit 2
}

sudo installer -pkg "$pkg" -target /
sudo launchctl print "system/$label" >/dev/null
tries=0
until /usr/local/bin/mcp-compliance status --format exit || [ $? -eq 1 ]; do # 2: it has not spoken yet
  tries=$((tries + 1))
  [ "$tries" -lt 30 ] || {
    echo "the daemon said nothing within 30 s" >&2
    exit 1
  }
  sleep 1
done
/usr/local/bin/mcp-compliance selfcheck

sudo /Library/MCPComplianceAgent/uninstall.sh --purge
if sudo launchctl print "system/$label" >/dev/null 2>&1; then
  echo "launchd still knows system/$label" >&2
  exit 1
fi
for left in /Library/MCPComplianceAgent "/Library/Application Support/MCPComplianceAgent" /Library/Logs/MCPComplianceAgent \
  "/Library/LaunchDaemons/$label.plist" "/etc/newsyslog.d/$label.conf" /usr/local/bin/mcp-compliance; do
  [ ! -e "$left" ] || {
    echo "left behind: $left" >&2
    exit 1
  }
done

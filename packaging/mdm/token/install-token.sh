#!/bin/sh
# Puts the endpoint's token where the settings look for it: readable by root alone, in place at once, on no command line.
# Paste the token between the two TOKEN lines in the MDM's own, access-controlled copy of this script; never commit it.
set -eu
case $(uname -s) in
  Darwin) folder="/Library/Application Support/MCPComplianceAgent" service="launchctl kickstart -k system/com.mcp-compliance.agent" ;;
  *) folder=/etc/mcp-compliance-agent service="systemctl try-restart mcp-compliance-agent.service" ;;
esac
umask 077
mkdir -p "$folder"
chmod 755 "$folder"
new=$(mktemp "$folder/.token.XXXXXX")
cat > "$new" << 'TOKEN'
PASTE-THE-TOKEN-HERE
TOKEN
if grep -q '^PASTE-' "$new"; then
  rm -f "$new"
  echo "no token was pasted into this script; nothing was changed" >&2
  exit 1
fi
mv -f "$new" "$folder/token"
$service > /dev/null 2>&1 || true # not installed yet: it reads the token when it starts

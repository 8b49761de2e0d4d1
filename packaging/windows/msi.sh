#!/bin/sh
# Make an MSI of a frozen program with wixl and msitools (Debian): msi.sh FOLDER VERSION MSI
# It is for tests; on Windows build-msi.ps1 makes the one that is released, of the same description.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
version=$2 msi=$(realpath "$3")
cd "$(dirname "$1")" # wixl takes no absolute source
folder=$(basename "$1")
for tool in wixl wixl-heat msibuild; do
  command -v "$tool" >/dev/null || {
    echo "$tool is missing: apt install wixl msitools" >&2
    exit 2
  }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$folder" && find _internal -type f | LC_ALL=C sort) |
  wixl-heat --prefix '' --component-group Program --directory-ref INSTALLDIR --var var.Source --win64 >"$work/files.wxs"
wixl --arch x64 --define Wixl=yes --define Win64=yes --define "Version=$version" --define "Source=$folder" --output "$msi" \
  "$here/mcp-compliance-agent.wxs" "$work/files.wxs"

# What wixl reads over: three things keep the token out of the log and let it through to the installer's service; an upgrade removes the old version before it writes the new one;
# what waits for the program's end is run while there is still a program.
msibuild "$msi" \
  -q "INSERT INTO Property (Property, Value) VALUES ('MsiHiddenProperties', 'TOKEN;SetUp')" \
  -q "UPDATE Property SET Value = 'WIX_DOWNGRADE_DETECTED;WIX_UPGRADE_DETECTED;ENDPOINT;TOKEN;PURGE' WHERE Property = 'SecureCustomProperties'" \
  -q "UPDATE CustomAction SET Type = 11282 WHERE Action = 'SetUp'" \
  -q "UPDATE InstallExecuteSequence SET Sequence = 1410 WHERE Action = 'RemoveExistingProducts'" \
  -q "UPDATE InstallExecuteSequence SET Sequence = 3400 WHERE Action = 'TearDown'"

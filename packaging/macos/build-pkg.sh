#!/bin/sh
# Make the package of a frozen program on macOS: build-pkg.sh FOLDER VERSION PKG
#
# What the environment names is done, and the rest is left out:
#   APPLICATION_IDENTITY   "Developer ID Application: …"  signs every binary, with the hardened runtime and a timestamp
#   INSTALLER_IDENTITY     "Developer ID Installer: …"    signs the package
#   NOTARY_PROFILE         a profile of `xcrun notarytool store-credentials`: sends the package to Apple, waits, staples the ticket
set -eu

folder=$1 version=$2 pkg=$3
here=$(cd "$(dirname "$0")" && pwd)
for tool in pkgbuild productbuild; do
  command -v "$tool" >/dev/null || {
    echo "$tool is missing: packages for macOS are made on macOS" >&2
    exit 2
  }
done
if [ -n "${NOTARY_PROFILE:-}" ] && { [ -z "${APPLICATION_IDENTITY:-}" ] || [ -z "${INSTALLER_IDENTITY:-}" ]; }; then
  echo "Apple notarises only what is signed: NOTARY_PROFILE goes with APPLICATION_IDENTITY and INSTALLER_IDENTITY" >&2
  exit 2
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root/Library/LaunchDaemons" "$root/etc/newsyslog.d" "$root/usr/local/bin"
cp -R "$folder" "$root/Library/MCPComplianceAgent"
cp "$here/uninstall.sh" "$root/Library/MCPComplianceAgent/"
cp "$here/com.mcp-compliance.agent.plist" "$root/Library/LaunchDaemons/"
cp "$here/com.mcp-compliance.agent.newsyslog.conf" "$root/etc/newsyslog.d/com.mcp-compliance.agent.conf"
ln -s /Library/MCPComplianceAgent/mcp-compliance "$root/usr/local/bin/mcp-compliance"
chmod -R u=rwX,go=rX "$root"

if [ -n "${APPLICATION_IDENTITY:-}" ]; then
  sign() { codesign --force --timestamp --options runtime --sign "$APPLICATION_IDENTITY" "$@"; }
  program=$root/Library/MCPComplianceAgent/mcp-compliance
  find "$root/Library/MCPComplianceAgent/_internal" -type f \( -name '*.dylib' -o -name '*.so' -o -name Python \) |
    while IFS= read -r library; do sign "$library"; done
  # The program last, as it vouches for the others; profiles know it by this identifier.
  sign --identifier com.mcp-compliance.agent --entitlements "$here/entitlements.plist" "$program"
  codesign --verify --strict --verbose=2 "$program"
fi

pkgbuild --root "$root" --scripts "$here/scripts" --identifier com.mcp-compliance.agent --version "$version" \
  --ownership recommended --install-location / "$work/component.pkg"
sed -e "s/VERSION/$version/" -e "s/\"ARCH\"/\"$(uname -m)\"/" "$here/distribution.xml" >"$work/distribution.xml"
if [ -n "${INSTALLER_IDENTITY:-}" ]; then
  productbuild --distribution "$work/distribution.xml" --package-path "$work" --timestamp --sign "$INSTALLER_IDENTITY" "$pkg"
else
  productbuild --distribution "$work/distribution.xml" --package-path "$work" "$pkg"
fi

if [ -n "${NOTARY_PROFILE:-}" ]; then
  xcrun notarytool submit "$pkg" --keychain-profile "$NOTARY_PROFILE" --wait
  xcrun stapler staple "$pkg"
  spctl --assess --type install --verbose=2 "$pkg"
fi

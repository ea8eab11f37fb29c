#!/usr/bin/env bash
# Builds the Debian package, with completions and manual, and prints where it is.
#
#   deploy/package.sh                 the release, as it is installed
#   deploy/package.sh --program FILE  of a program that was built already: to try the packaging
#
# Needs cargo-deb (cargo install --locked cargo-deb).
set -euo pipefail
cd "$(dirname "$0")/.."

program=
if [ "${1:-}" = --program ]; then
  program="${2:?a program is expected after --program}"
fi
if ! cargo deb --version >/dev/null 2>&1; then
  echo "deploy/package.sh needs cargo-deb: cargo install --locked cargo-deb" >&2
  exit 1
fi

target="${CARGO_TARGET_DIR:-target}"
if [ -z "$program" ]; then
  cargo build --release --locked --no-default-features --bin int6-ozmap-gateway >&2
  program="$target/release/int6-ozmap-gateway"
elif [ ! "$program" -ef "$target/release/int6-ozmap-gateway" ]; then
  install -D -m 755 "$program" "$target/release/int6-ozmap-gateway"
fi

# Cargo.toml names these two folders; only what stands below target/release is looked for in a target folder elsewhere.
made=target/package
rm -rf "$made"
mkdir -p "$made/man" "$made/completions"
"$program" man "$made/man"
"$program" completions bash >"$made/completions/int6-ozmap-gateway"
"$program" completions zsh >"$made/completions/_int6-ozmap-gateway"
"$program" completions fish >"$made/completions/int6-ozmap-gateway.fish"

cargo deb --no-build --no-strip --locked

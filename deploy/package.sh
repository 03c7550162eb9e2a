#!/usr/bin/env bash
# Builds the Debian package: the program, its man pages and completions, the systemd units. Prints the path.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$PWD/target/ci
[ -x "$tools/bin/cargo-deb" ] || cargo install --quiet cargo-deb@3.8.0 --locked --root "$tools"

cargo build --profile dist --locked
made=$PWD/target/package
rm -rf "$made"
mkdir -p "$made"
target/dist/cutover-report man "$made/man"
for shell in bash zsh fish; do
    target/dist/cutover-report completions "$shell" >"$made/cutover-report.$shell"
done
PATH=$tools/bin:$PATH cargo deb --profile dist --no-build --quiet --output "$made/"

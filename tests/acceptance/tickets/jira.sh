#!/usr/bin/env bash
# Checks every request to Jira Cloud against Atlassian's description with Prism, and comments against the schema of the
# Atlassian Document Format. usage: jira.sh PROGRAM [FOLDER]; the tools are installed to FOLDER.
set -euo pipefail
program=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
tools=$(realpath -m "${2:-$work/tools}")
prism=
finish() {
    if [ -n "$prism" ]; then kill "$prism" 2>/dev/null || true; wait "$prism" 2>/dev/null || true; fi
    rm -rf "$work"
}
trap finish EXIT

mkdir -p "$tools"
npm install --silent --no-fund --no-audit --prefix "$tools" \
    @stoplight/prism-cli@5.14.2 @atlaskit/adf-schema@57.7.22 ajv-draft-04@1.0.0
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
node "$tools/node_modules/.bin/prism" mock --errors --host 127.0.0.1 --port "$port" \
    "$here/../../fixtures/jira-v3.json" >"$work/prism.log" 2>&1 &
prism=$!
for _ in $(seq 120); do
    curl -s -o /dev/null "http://127.0.0.1:$port/" && break
    sleep 1
done
PYTHONDONTWRITEBYTECODE=1 python3 "$here/jira_check.py" "$program" "http://127.0.0.1:$port" "$work/documents.json"
NODE_PATH=$tools/node_modules node "$here/adf_check.js" "$work/documents.json"

#!/usr/bin/env bash
# Runs every fuzz test of the module for the given time, one after the other.
set -euo pipefail
time=${1:-1m}
output=$(mktemp)
trap 'rm -f "$output"' EXIT

fuzz() { go test "$1" -run XXX -fuzz "^$2\$" -fuzztime "$time" -fuzzminimizetime 10x 2>&1 | tee "$output"; }

# late tells whether nothing failed but the end of the time: the coordinator of go
# test -fuzz may take it for a failure. A failure of the tested code says so in
# other words, and leaves its input in a file.
late() { grep -q '^ *context deadline exceeded$' "$output" && ! grep -qE '[Ff]ailing input|seed corpus|panic:|^fatal error:' "$output"; }

grep -rlE '^func Fuzz' --include='*_test.go' . | sort | while read -r file; do
  grep -oE '^func Fuzz[A-Za-z0-9_]*' "$file" | while read -r _ name; do
    folder=$(dirname "$file")
    echo "== $name in $folder"
    fuzz "$folder" "$name" && continue
    late || exit 1
    echo "== $name in $folder, again"
    fuzz "$folder" "$name"
  done
done

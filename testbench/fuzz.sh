#!/usr/bin/env bash
# Runs every fuzz test of the module for the given time, one after the other.
set -euo pipefail
time=${1:-1m}
grep -rlE '^func Fuzz' --include='*_test.go' . | sort | while read -r file; do
  grep -oE '^func Fuzz[A-Za-z0-9_]*' "$file" | while read -r _ name; do
    echo "== $name in $(dirname "$file")"
    go test "$(dirname "$file")" -run XXX -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime 10x
  done
done

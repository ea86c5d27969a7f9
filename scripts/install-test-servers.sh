#!/usr/bin/env bash
# Installs, from Debian, the servers that some test suites want; the suites are left out where they are missing, and say so.
# Does nothing where all are there, and only tells where it cannot: without apt-get, or without the right to use it.
set -euo pipefail

# Each with a program of it, by which it is known to be there.
servers=(
  "redis-server redis-server" # the Redis idempotency store
  "ceph-mon ceph-mon" # S3 for the storage drivers: scripts/ceph-rgw.mjs
  "ceph-osd ceph-osd"
  "ceph-common ceph"
  "radosgw radosgw"
  "chromium chromium" # the inspector in a browser
  "prometheus promtool" # the operator's walk: an alert that fires
)

missing=()
for server in "${servers[@]}"; do
  read -r package program <<<"$server"
  command -v "$program" >/dev/null 2>&1 || missing+=("$package")
done
if [ "${#missing[@]}" -eq 0 ]; then
  echo "test servers: all there"
  exit 0
fi
if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" -ne 0 ]; then
  echo "test servers: not installed, needs apt-get and root: ${missing[*]}"
  exit 0
fi
echo "test servers: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if apt-get update -qq >"$log" 2>&1 && apt-get install -y -qq --no-install-recommends "${missing[@]}" >>"$log" 2>&1; then
  echo "test servers: installed"
else
  tail -n 20 "$log"
  echo "test servers: could not be installed; the suites that want them are left out"
fi

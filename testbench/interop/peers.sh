#!/usr/bin/env bash
# Makes sure that the foreign peers of the interop tests are there. As root on
# Debian it installs what is missing; otherwise it prints the exact command.
set -euo pipefail
cd "$(dirname "$0")"

declare -A package=(
  [sipp]=sip-tester [bearerbox]=kannel [baresip]=baresip-core [linphonec]=linphone-cli [kamailio]=kamailio [tshark]=tshark
  [node]=nodejs [npm]=npm [ip]=iproute2 [dnsmasq]=dnsmasq-base [cc]=gcc [iptables]=iptables
  [curl]=curl [jq]=jq [openssl]=openssl [python3]=python3
)
export PATH="$PATH:/usr/sbin:/sbin"
missing=()
for binary in "${!package[@]}"; do
  command -v "$binary" >/dev/null || missing+=("${package[$binary]}")
done
ls /usr/lib/*/kamailio/modules/tls.so >/dev/null 2>&1 || missing+=(kamailio-tls-modules)
echo '#include <spandsp.h>' | cc -E - >/dev/null 2>&1 || missing+=(libc6-dev libspandsp-dev libtiff-dev)
perl -MNet::SMPP -e1 2>/dev/null || missing+=(libnet-smpp-perl)
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing+=(postgresql)

if [ ${#missing[@]} -gt 0 ]; then
  install="apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "The tests need peers that are not installed. On Debian, as root:" >&2
    echo "  $install" >&2
    exit 1
  fi
  echo "installing ${missing[*]}"
  # The packages start services of their own, which the tests do not want.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy" && chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  DEBIAN_FRONTEND=noninteractive bash -c "$install" >/dev/null
fi

# The versions stand in package.json.
if ! npm ls --depth=0 >/dev/null 2>&1; then
  npm install --no-package-lock --no-audit --no-fund --loglevel=error ||
    { echo "The tests need packages of npm: run 'npm install --no-package-lock' in $(pwd)" >&2; exit 1; }
fi

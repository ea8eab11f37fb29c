#!/usr/bin/env bash
# Really starts the systemd unit, for a machine that runs systemd: `deploy/try-unit.sh PROGRAM` as root, with a program that has the
# sandbox (cargo build). The unit gets a name, a user, folders and a port of its own, which are gone in the end.
#
# Exit status: 0 it works, 1 something does not, 3 this machine does not run systemd: nothing was tried.
set -euo pipefail
cd "$(dirname "$0")"
say() { printf '== %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; journalctl --no-pager --lines 20 --unit "$unit" >&2 || true; exit 1; }

unit="int6-ozmap-gateway-try" folder="/run/int6-ozmap-gateway-try"
if [ ! -d /run/systemd/system ]; then
  echo "the unit was not started: this machine does not run systemd" >&2
  exit 3
fi
[ "$(id -u)" = 0 ] || { echo "deploy/try-unit.sh needs root" >&2; exit 1; }
program="$(realpath "${1:?the program is expected, such as target/debug/int6-ozmap-gateway}")"
[ ! -e "/run/systemd/system/$unit.service" ] || { echo "$unit is there already" >&2; exit 1; }

systems=
clean() {
  local status=$?
  systemctl stop "$unit" 2>/dev/null || true
  rm -f "/run/systemd/system/$unit.service"
  systemctl daemon-reload || true
  systemctl reset-failed "$unit" 2>/dev/null || true
  [ -z "$systems" ] || kill "$systems" 2>/dev/null || true
  rm -rf "${folder:?}" "/var/lib/private/$unit" "/var/lib/$unit"
  exit "$status"
}
trap clean EXIT

install -d -m 755 "$folder"
install -m 755 "$program" "$folder/int6-ozmap-gateway"
"$folder/int6-ozmap-gateway" sandbox --clients 200 --interval 0 --drift 0 >"$folder/systems" 2>&1 &
systems=$!
for _ in $(seq 100); do
  grep -q '^export ' "$folder/systems" && break
  sleep 0.1
done
sed -n 's/^export //p' "$folder/systems" | tr ' ' '\n' | grep -E '^(OZMAP|INT6)_' >"$folder/environment"
cat >>"$folder/environment" <<END
GATEWAY_API_KEY=a-key-for-this-trial
GATEWAY_LISTEN=127.0.0.1:18471
END

# As it is shipped, but for names, and a watchdog for whom nobody waits long.
sed -e "s#^ExecStart=.*#ExecStart=$folder/int6-ozmap-gateway serve#" \
  -e "s#^ConditionPathExists=.*##; s#^Environment=GATEWAY_CONFIG.*##" \
  -e "s#^EnvironmentFile=.*#EnvironmentFile=$folder/environment#" \
  -e "s#^StateDirectory=.*#StateDirectory=$unit#; s#^WorkingDirectory=.*#WorkingDirectory=%S/$unit#" \
  -e "s#^User=.*#User=$unit#; s#^Group=.*#DynamicUser=yes#" \
  -e "s#^WatchdogSec=.*#WatchdogSec=6#; s#^RestartSec=.*#RestartSec=1#" \
  int6-ozmap-gateway.service >"/run/systemd/system/$unit.service"
systemctl daemon-reload
show() { systemctl show --value --property "$1" "$unit"; }

say "it starts, and says so"
systemctl start "$unit" || fail "systemctl start"
[ "$(show ActiveState)" = active ] || fail "the unit is $(show ActiveState)"
for _ in $(seq 50); do
  case "$(show StatusText)" in *"can work") break ;; esac
  sleep 0.2
done
case "$(show StatusText)" in *"can work") ;; *) fail "its status is: $(show StatusText)" ;; esac
[ "$(grep -E '^Max open files' "/proc/$(show MainPID)/limits" | awk '{print $4}')" -ge 65536 ] || fail "it may open few files"

say "doctor, healthcheck and sync work beside it: the same user, folder and database"
beside() {
  systemd-run --quiet --pipe --wait --collect --property DynamicUser=yes --property User="$unit" --property StateDirectory="$unit" \
    --property WorkingDirectory="/var/lib/$unit" --property EnvironmentFile="$folder/environment" "$folder/int6-ozmap-gateway" "$@"
}
beside healthcheck >/dev/null || fail "healthcheck"
beside doctor >"$folder/doctor" || { cat "$folder/doctor" >&2; fail "doctor"; }
beside sync --dry-run >/dev/null || fail "sync --dry-run"

say "a process that hangs is begun anew"
hanging="$(show MainPID)"
kill -STOP "$hanging"
for _ in $(seq 60); do
  [ "$(show MainPID)" != "$hanging" ] && [ "$(show ActiveState)" = active ] && break
  sleep 0.5
done
[ "$(show MainPID)" != "$hanging" ] && [ "$(show ActiveState)" = active ] || fail "the watchdog did nothing"

say "it stops in time"
begun=$SECONDS
systemctl stop "$unit"
[ $((SECONDS - begun)) -lt 25 ] || fail "the stop took $((SECONDS - begun)) s"
[ "$(show Result)" = success ] || fail "the stop ended as $(show Result)"
say "the unit works on this machine"

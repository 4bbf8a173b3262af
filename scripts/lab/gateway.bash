# Sluice itself, as on a gateway: an authority with keys of two parties, configuration, and the programs, each as the user
# it should be. Everything is below ${lab_dir}.
# shellcheck shell=bash

lab_feed=${lab_feed:-pta.example/terror}
# Numeric: nothing is added to the system's users.
lab_gid=64200         # group sluice
lab_sluiced_uid=64201
lab_compile_uid=64202
lab_mode=${lab_mode:-enforce}

lab_program() { echo "$lab_dir/bin/$1"; }
lab_ctl() { "$lab_dir/bin/sluicectl" "$@"; }

# lab_install BUILD-BIN: copies the programs to where every user can reach them.
lab_install() {
  mkdir -p "$lab_dir/bin"
  install -m 755 "$1"/sluice-wire "$1"/sluice-dataplane "$1"/sluice-compile "$1"/sluiced "$1"/sluicectl "$lab_dir/bin/"
}

# Folders with the owners that a package would give them.
lab_folders() {
  install -d -m 755 "$lab_dir" "$lab_dir/etc" "$lab_dir/etc/roots" "$lab_dir/authority"
  install -d -m 2770 -o "$lab_sluiced_uid" -g "$lab_gid" "$lab_dir/state" "$lab_dir/state/inbox" "$lab_dir/state/feeds"
  install -d -m 2770 -o "$lab_compile_uid" -g "$lab_gid" "$lab_dir/state/images"
  install -d -m 700 -o "$lab_compile_uid" -g "$lab_gid" "$lab_dir/compile"
  install -d -m 1770 -o root -g "$lab_gid" "$lab_dir/run"
}

# A duty desk and a court registry, each with a key of its own, and the root of trust that names them.
lab_authority() {
  local at=$lab_dir/authority
  lab_ctl keygen --out "$at/requester"
  lab_ctl keygen --out "$at/independent"
  lab_ctl root --feed "$lab_feed" --key "requester:$at/requester.pub" --key "independent:$at/independent.pub" \
    --out "$lab_dir/etc/roots/feed.json"
}

lab_write_config() {
  cat <<END
schema: sluice/config/1
feeds:
  - feed: $lab_feed
    root: $lab_dir/etc/roots/feed.json
    priority: 10
    external: true
state: $lab_dir/state
run: $lab_dir/run
image_key: $lab_dir/etc/image.pub
match: {engine: table}
compile: {socket: $lab_dir/run/compile.sock, key: $lab_dir/compile/image.key, state: $lab_dir/compile}
dataplane:
  enabled: true
  telemetry: $lab_dir/run/dpdk/sluice/dpdk_telemetry.v2
  counters: $lab_dir/run/counters
  wire: $lab_dir/bpf
api: {socket: $lab_dir/run/sluiced.sock, admin_uids: [0]}
END
}

# lab_bundle SEQ FILE.yaml…: makes and signs a bundle; prints its path.
lab_bundle() {
  local seq=$1 out=$lab_dir/authority/bundle-$1.jsonl
  shift
  {
    lab_ctl bundle --feed "$lab_feed" --epoch 1 --seq "$seq" --churn-why "the list of the lab" --out "$out" "$@" &&
      lab_ctl sign --key "$lab_dir/authority/requester.key" "$out" &&
      lab_ctl sign --key "$lab_dir/authority/independent.key" "$out"
  } >>"$lab_dir/log/authority" 2>&1 || { tail -n 20 "$lab_dir/log/authority" >&2; return 1; }
  echo "$out"
}

# Copies rules/examples with dates around today, whatever today is; prints the order files.
lab_examples() {
  local to=$lab_dir/authority/examples
  mkdir -p "$to"
  cp rules/examples/* "$to/"
  sed -i -E "s/^( *effective: ).*/\\1$(date -u -d '-1 day' +%FT%TZ)/; s/^( *expires: ).*/\\1$(date -u -d '+180 days' +%FT%TZ)/" \
    "$to"/*.yaml
  ls "$to"/*.yaml
}

# lab_deliver BUNDLE: into the inbox, signatures first, each file by rename, as an SFTP server would.
lab_deliver() {
  local file inbox=$lab_dir/state/inbox
  for file in "$1".*.minisig "$1"; do
    [ -e "$file" ] || continue # no signature
    install -m 640 -o "$lab_sluiced_uid" -g "$lab_gid" "$file" "$inbox/.$(basename "$file").part"
    mv "$inbox/.$(basename "$file").part" "$inbox/$(basename "$file")"
  done
}

# What runs in the gateway's namespace (or, with real ports, where this script runs).
lab_gateway() {
  if [ -n "${lab_real_ports:-}" ]; then "$@"; else in_ns gateway "$@"; fi
}
lab_gateway_command() {
  [ -n "${lab_real_ports:-}" ] || printf '%s\0' nsenter --net="/run/netns/${lab_prefix}gateway" --
}

lab_start_dataplane() {
  local -a where options=("${lab_dataplane_options[@]}")
  [ -z "$lab_subscribers" ] || options+=(--subscribers "$lab_subscribers")
  mapfile -d '' -t where < <(lab_gateway_command)
  lab_start dataplane "${where[@]}" "$(lab_program sluice-dataplane)" "${lab_ports[@]}" \
    --image "$lab_dir/state/images/current.img" --image-key "$lab_dir/etc/image.pub" --mode "$lab_mode" \
    --run-dir "$lab_dir/run" --wire-dir "$lab_dir/bpf" --group "$lab_gid" "${options[@]}"
}

# No network at all, and a user of its own.
lab_start_compile() {
  lab_start compile unshare --net -- setpriv --reuid "$lab_compile_uid" --regid "$lab_gid" --clear-groups \
    --bounding-set=-all --inh-caps=-all --no-new-privs \
    "$(lab_program sluice-compile)" --config "$lab_dir/etc/sluice.yaml" --serve "$lab_dir/run/compile.sock" --group "$lab_gid"
}

# A user without any capability.
lab_start_sluiced() {
  local -a where
  mapfile -d '' -t where < <(lab_gateway_command)
  lab_start sluiced "${where[@]}" setpriv --reuid "$lab_sluiced_uid" --regid "$lab_gid" --clear-groups \
    --bounding-set=-all --inh-caps=-all --no-new-privs \
    "$(lab_program sluiced)" --config "$lab_dir/etc/sluice.yaml" --log stderr
}

lab_wire() { lab_gateway "$(lab_program sluice-wire)" "$@" --dir "$lab_dir/bpf"; }

# lab_gateway_up: attaches, then starts the programs. Ports in ${lab_ports[@]}, pairs in ${lab_pairs[@]}.
lab_ports=(--port subscriber=xdp:eth1 --port internet=xdp:eth2)
lab_pairs=(--pair eth1:eth2)
lab_dataplane_options=()
lab_gateway_up() {
  lab_folders
  lab_authority
  lab_write_config >"$lab_dir/etc/sluice.yaml"
  setpriv --reuid "$lab_compile_uid" --regid "$lab_gid" --clear-groups "$(lab_program sluice-compile)" \
    --new-key "$lab_dir/compile/image.key" --public "$lab_dir/compile/image.pub"
  install -m 644 "$lab_dir/compile/image.pub" "$lab_dir/etc/image.pub"
  lab_wire attach "${lab_pairs[@]}" --group "$lab_gid"
  lab_start_compile
  lab_start_dataplane
  lab_start_sluiced
}

# Ends the programs and takes the steer program off. Fine where nothing runs.
lab_gateway_down() {
  lab_stop sluiced
  lab_stop dataplane
  lab_stop compile
  [ ! -x "$lab_dir/bin/sluice-wire" ] || "$lab_dir/bin/sluice-wire" detach --dir "$lab_dir/bpf"
}

lab_status() { lab_ctl status --socket "$lab_dir/run/sluiced.sock" --json; }

# lab_enforced SEQ: every worker runs an image that holds this bundle of the feed.
lab_enforced() {
  lab_status | jq -e --arg feed "$lab_feed" --argjson seq "$1" '
    .dataplane.reachable and ([.dataplane.health.image.feeds[]? | select(.feed == $feed and .seq >= $seq)] | length == 1)'
}

# What an error report needs: the last lines of every log.
lab_explain() {
  local log
  for log in "$lab_dir"/log/*; do
    echo "-- $log" >&2
    tail -n 15 "$log" >&2
  done
}

# Returns when one of the programs has ended, and says which.
lab_watch() {
  local never name
  exec {never}<> <(:)
  while true; do
    for name in dataplane sluiced compile; do
      lab_pid "$name" >/dev/null || { echo "lab: $name has ended; its log: $lab_dir/log/$name"; return 1; }
    done
    read -r -t 1 -u "$never" || true
  done
}

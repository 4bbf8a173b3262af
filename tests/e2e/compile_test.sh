#!/usr/bin/env bash
# sluice-compile from the outside: keys and signatures by Debian's minisign, one shot and at its socket.
#   compile_test.sh PATH-OF-SLUICE-COMPILE
set -euo pipefail

program=$(realpath "$1")
feed=pta.example/terror
dir=$(mktemp -d)
server=
cleanup() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; fi
  rm -rf "$dir"
}
trap cleanup EXIT
cd "$dir"

fail() { echo "FAIL: $*" >&2; exit 1; }
expect() { # expect TEXT ANSWER
  case $2 in *"$1"*) ;; *) fail "expected $1 in: $2" ;; esac
}

mkdir state out
"$program" --new-key image.key --public image.pub
[ "$(stat -c %a image.key)" = 600 ] || fail "the secret key must be 0600"
grep -qxE '[0-9a-f]{64}' image.pub || fail "the public key must be 64 hex digits"
"$program" --new-key image.key --public image.pub 2>/dev/null && fail "a key was overwritten"

for who in desk court; do minisign -G -W -f -p $who.pub -s $who.key >/dev/null; done
cat >root.json <<JSON
{"schema": "sluice/root/1", "feed": "$feed", "version": 1, "epoch": 1, "expires": "2099-01-01T00:00:00Z",
 "keys": [{"party": "requester", "name": "desk", "minisign": "$(sed -n 2p desk.pub)"},
          {"party": "independent", "name": "court", "minisign": "$(sed -n 2p court.pub)"}],
 "thresholds": {"requester": 1, "independent": 1}}
JSON
cat >sluice.yaml <<YAML
schema: sluice/config/1
feeds:
  - {feed: $feed, root: $dir/root.json, priority: 10, external: true}
compile: {socket: $dir/compile.sock, key: $dir/image.key, state: $dir/state}
YAML

now=$(date +%s)
stamp() { date -u -d "@$1" +%Y-%m-%dT%H:%M:%SZ; }
bundle() { # bundle SEQ NAME FILE
  cat >"$3" <<JSONL
{"schema":"sluice/bundle/1","feed":"$feed","kind":"snapshot","epoch":1,"seq":$1,"issued":"$(stamp "$now")","expires":"$(stamp $((now + 86400)))","prev_sha256":"","root":1,"orders":1,"targets":2}
{"order":"NCCIA-2026-00481","action":"block","number":"481/2026","authority":"NCCIA","basis":{"law":"PECA 37"},"reason":{"en":"Blocked by order"},"appeal":{"url":"https://appeals.example.pk"},"methods":["dns","sni","quic","http"],"qtypes":"web","effective":"$(stamp $((now - 3600)))","expires":"$(stamp $((now + 864000)))"}
{"n":"$2","s":"subtree"}
{"p":"mirror[0-9]{1,3}\\\\.example\\\\.com"}
JSONL
}
sign() { # sign BUNDLE SEQ KEY…
  local file=$1 seq=$2 comment
  shift 2
  comment="feed=$feed epoch=1 seq=$seq sha256=$(sha256sum "$file" | cut -d' ' -f1)"
  for who in "$@"; do minisign -S -s "$who.key" -m "$file" -x "$file.$who.minisig" -t "$comment" >/dev/null; done
}
once() { # once BUNDLE SIGNER…
  local file=$1 args=()
  shift
  for who in "$@"; do args+=(--signature "$feed=$file.$who.minisig"); done
  "$program" --config sluice.yaml --bundle "$feed=$file" "${args[@]}" --out out || true
}

bundle 7 news.example.org seven; sign seven 7 desk court
bundle 7 other.example.org seven-too; sign seven-too 7 desk court
bundle 8 news.example.net eight; sign eight 8 desk court

expect '"error":"half-signed"' "$(once seven desk)"
expect '"error":"unsigned"' "$(once seven)"
[ -z "$(ls out)" ] || fail "an image without signatures"
answer=$(once seven desk court)
expect '"ok":true' "$answer"
expect '"orders":1,"names":1,"patterns":1' "$answer"
image=$(ls out/*.img)
[ "out/$(sha256sum "$image" | cut -d' ' -f1).img" = "$image" ] || fail "the image is not named by its hash"
[ "$(stat -c %a "$image")" = 640 ] || fail "the image must be 0640"
expect "$(basename "$image" .img)" "$(once seven desk court)" # the same again, byte for byte
expect '"error":"equivocation"' "$(once seven-too desk court)"

"$program" --config sluice.yaml --serve "$dir/compile.sock" &
server=$!
ask() { # ask JSON → answer
  python3 - "$dir/compile.sock" "$1" <<'PY'
import socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.settimeout(30)
for attempt in range(300):
    try:
        s.connect(sys.argv[1])
        break
    except (FileNotFoundError, ConnectionRefusedError):
        time.sleep(0.05)
s.send(sys.argv[2].encode())
print(s.recv(65536).decode())
PY
}
request() { # request BUNDLE
  echo "{\"bundles\":[{\"feed\":\"$feed\",\"bundle\":\"$dir/$1\",\"signatures\":[\"$dir/$1.desk.minisig\",\"$dir/$1.court.minisig\"]}],\"out\":\"$dir/out\"}"
}
expect '"ok":true' "$(ask "$(request eight)")"
expect '"error":"rollback"' "$(ask "$(request seven)")"
expect '"error":"malformed"' "$(ask '{"bundles":[],"out":"x","more":1}')"
expect '"error":"rollback"' "$(ask "{\"bundles\":[],\"out\":\"$dir/out\"}")" # leaves the feed out
expect '"ok":true' "$(ask "$(request eight)")"
[ "$(stat -c %a compile.sock)" = 660 ] || fail "the socket must be 0660"
grep -q '"seq":8' state/accepted.json || fail "the newest bundle is not remembered"
grep -q '^Seccomp:.*2' "/proc/$server/status" || fail "no seccomp filter"

kill -TERM "$server"
wait "$server" || fail "did not end well"
server=
[ ! -e compile.sock ] || fail "the socket was left behind"
echo "ok: sluice-compile"

# What a real client behind the gateway sees: dig and curl, over IPv4 and IPv6.
# shellcheck shell=bash
#
# Every probe prints one line, VERDICT and what was seen, tab-separated. VERDICT is `allowed` (the server's own answer),
# `blocked` (an answer or a reset of Sluice) or `broken` (neither: no answer at all, a wrong one).

probe_address() { [ "$1" = 4 ] && echo "$lab_server4" || echo "$lab_server6"; }

# probe_dns 4|6 NAME [QTYPE] [DIG-OPTIONS…]
probe_dns() {
  local family=$1 name=$2 type=${3:-} expected out status answer ede
  shift 3 || shift 2
  if [ -z "$type" ]; then [ "$family" = 4 ] && type=A || type=AAAA; fi
  [ "$type" = A ] && expected=$lab_server4 || expected=$lab_server6
  out=$(in_ns client dig "@$(probe_address "$family")" "$name" "$type" +time=2 +tries=1 "$@" 2>&1) || true
  status=$(sed -n 's/.*status: \([A-Z]*\),.*/\1/p' <<<"$out")
  answer=$(awk -v t="$type" '!/^;/ && $4 == t {$1=$2=$3=$4=""; sub(/^ +/, ""); print; exit}' <<<"$out")
  ede=$(sed -n 's/^; EDE: \(.*\)/\1/p' <<<"$out")
  if [ -n "$answer" ]; then
    case $type in A | AAAA) [ "$answer" = "$expected" ] || { printf 'broken\t%s\n' "$answer"; return; } ;; esac
    printf 'allowed\t%s\n' "$answer"
  elif [ -n "$ede" ] || { [ "$status" = NOERROR ] && grep -q SOA <<<"$out"; }; then
    printf 'blocked\t%s, no data; EDE %s\n' "$status" "$ede"
  else
    printf 'broken\t%s\n' "${status:-no answer}"
  fi
}

# probe_web 4|6 https|http NAME [CURL-OPTIONS…]
probe_web() {
  local family=$1 scheme=$2 name=$3 port=443 at got code=0
  shift 3
  [ "$scheme" = https ] || port=80
  at=$(probe_address "$family")
  [ "$family" = 4 ] || at="[$at]"
  got=$(in_ns client curl -s -m 4 --cacert "$lab_dir/web/ca.crt" --resolve "$name:$port:$at" -w '%{http_code}' "$@" \
    "$scheme://$name/") || code=$?
  case $code/$got in
    0/*"you reached $name by $scheme"*200) printf 'allowed\t200 from the server\n' ;;
    */*451) printf 'blocked\t451\n' ;;
    35/* | 56/* | 52/*) printf 'blocked\tconnection reset\n' ;;
    28/*) printf 'broken\tno answer\n' ;;
    *) printf 'broken\tcurl exit %s\n' "$code" ;;
  esac
}

# probe_quic 4|6 NAME: a blocked handshake is never answered; the client gives up. It takes the name to ask for from its
# host argument only, so it is given a hosts file of its own.
probe_quic() {
  local to
  to=$(mktemp -d -p "$lab_dir")
  echo "$(probe_address "$1") $2" >"$to/hosts"
  # shellcheck disable=SC2016 # the inner shell's
  in_ns client unshare --mount -- sh -c 'mount --bind "$1" /etc/hosts && shift && exec "$@"' sh "$to/hosts" \
    gtlsclient -q --exit-on-first-stream-close --handshake-timeout=1s --timeout=2s --download="$to" \
    "$2" 443 "https://$2/hello" >/dev/null 2>&1 || true
  if [ -s "$to/hello" ]; then printf 'allowed\t%s\n' "$(cat "$to/hello")"; else printf 'blocked\tno handshake\n'; fi
  rm -rf "$to"
}

# lab_show FILE: a table of every line `NAME EXPECTED METHOD…` (dns, sni, quic, http); fails if any client saw something else.
lab_show() {
  local name expected methods method family verdict seen wrong=0 mark
  printf '%-28s %-8s %-9s %-9s    %s\n' NAME METHOD EXPECTED GOT SEEN
  while read -r name expected methods; do
    case $name in '' | '#'*) continue ;; esac
    for method in $methods; do
      for family in 4 6; do
        case $method in
          dns) IFS=$'\t' read -r verdict seen < <(probe_dns "$family" "$name") ;;
          sni) IFS=$'\t' read -r verdict seen < <(probe_web "$family" https "$name") ;;
          quic) IFS=$'\t' read -r verdict seen < <(probe_quic "$family" "$name") ;;
          http) IFS=$'\t' read -r verdict seen < <(probe_web "$family" http "$name") ;;
        esac
        mark='ok '
        [ "$verdict" = "$expected" ] || { mark='NO!' wrong=$((wrong + 1)); }
        printf '%-28s %-8s %-9s %-9s %s %s\n' "$name" "$method/v$family" "$expected" "$verdict" "$mark" "$seen"
      done
    done
  done <"$1"
  [ "$wrong" -eq 0 ] || { echo "$wrong probes saw something else than expected"; return 1; }
}

# lab_reasons FILE: why, in Sluice's own words.
lab_reasons() {
  local name
  while read -r name; do
    lab_ctl why "$name" --socket "$lab_dir/run/sluiced.sock"
  done < <(awk '!/^#/ && NF && !seen[$1]++ {print $1}' "$1")
}

# Names that the lab speaks about, each once.
lab_names() { awk '!/^#/ && NF {print $1}' scripts/lab/expected | sort -u; }
# lab_first allowed|blocked: the first such name.
lab_first() { awk -v want="$1" '!/^#/ && $2 == want {print $1; exit}' scripts/lab/expected; }

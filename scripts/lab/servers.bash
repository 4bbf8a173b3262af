# Real servers on the far side of the gateway: unbound answers for every lab name, nginx serves HTTP and HTTPS, gtlsserver
# (ngtcp2) HTTP/3.
# shellcheck shell=bash

# Every name below these is answered, with the server's addresses; every other name does not exist.
lab_zones=(test example example.com example.net example.org)

lab_write_unbound() {
  local zone
  cat <<END
server:
  interface: 0.0.0.0
  interface: ::0
  port: 53
  access-control: 0.0.0.0/0 allow
  access-control: ::/0 allow
  username: ""
  chroot: ""
  directory: "$lab_dir/dns"
  pidfile: ""
  use-syslog: no
  module-config: "iterator"
  num-threads: 1
  so-rcvbuf: 4m
  so-sndbuf: 4m
  do-not-query-localhost: no
  minimal-responses: yes
  deny-any: no
  local-zone: "." static
END
  for zone in "${lab_zones[@]}"; do
    cat <<END
  local-zone: "$zone." redirect
  local-data: "$zone. 60 A $lab_server4"
  local-data: "$zone. 60 AAAA $lab_server6"
  local-data: "$zone. 60 HTTPS 1 . alpn=h2"
  local-data: "$zone. 60 SVCB 1 . alpn=h2"
  local-data: "$zone. 60 MX 10 mail.example.net."
  local-data: '$zone. 60 TXT "sluice lab"'
END
  done
  echo "remote-control:"
  echo "  control-enable: no"
}

# lab_write_nginx: every name, both families, TLS 1.2 and 1.3.
lab_write_nginx() {
  cat <<END
daemon off;
worker_processes 1;
pid $lab_dir/web/nginx.pid;
error_log $lab_dir/log/nginx.error warn;
events { worker_connections 4096; }
http {
  access_log off;
  default_type text/plain;
  sendfile on;
  keepalive_requests 100000;
  client_body_temp_path $lab_dir/web/tmp; proxy_temp_path $lab_dir/web/tmp; fastcgi_temp_path $lab_dir/web/tmp;
  uwsgi_temp_path $lab_dir/web/tmp; scgi_temp_path $lab_dir/web/tmp;
  server {
    listen 0.0.0.0:80 default_server;
    listen [::]:80 default_server;
    listen 0.0.0.0:443 ssl http2 default_server;
    listen [::]:443 ssl http2 default_server;
    listen 0.0.0.0:8443 ssl default_server;
    listen [::]:8443 ssl default_server;
    ssl_certificate $lab_dir/web/server.crt;
    ssl_certificate_key $lab_dir/web/server.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    location = /100m { alias $lab_dir/web/100m; }
    add_header Alt-Svc 'h3=":443"; ma=600';
    location / { return 200 "you reached \$host by \$scheme\n"; }
  }
}
END
}

# lab_certificate NAME…: a CA made on the spot, and one certificate for all of the names.
lab_certificate() {
  local web=$lab_dir/web name alt=
  for name in "$@"; do alt+="DNS:$name,"; done
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=Sluice lab CA" \
    -keyout "$web/ca.key" -out "$web/ca.crt" 2>/dev/null
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=Sluice lab server" \
    -keyout "$web/server.key" -out "$web/server.csr" 2>/dev/null
  openssl x509 -req -in "$web/server.csr" -CA "$web/ca.crt" -CAkey "$web/ca.key" -CAcreateserial -days 2 \
    -extfile <(echo "subjectAltName=${alt%,}") -out "$web/server.crt" 2>/dev/null
}

# lab_servers_up NAME…: the names that HTTPS is served for.
lab_servers_up() {
  mkdir -p "$lab_dir/dns" "$lab_dir/web/tmp" "$lab_dir/log"
  lab_certificate "$@"
  [ -e "$lab_dir/web/100m" ] || openssl rand -out "$lab_dir/web/100m" 104857600
  lab_write_unbound >"$lab_dir/dns/unbound.conf"
  lab_write_nginx >"$lab_dir/web/nginx.conf"
  echo "nameserver $lab_server4" >"$lab_dir/resolv.conf"
  lab_start unbound nsenter --net="/run/netns/${lab_prefix}server" -- unbound -d -p -c "$lab_dir/dns/unbound.conf"
  lab_start nginx nsenter --net="/run/netns/${lab_prefix}server" -- \
    nginx -p "$lab_dir/web" -e "$lab_dir/log/nginx.error" -c "$lab_dir/web/nginx.conf"
  mkdir -p "$lab_dir/web/quic"
  echo "you reached it by quic" >"$lab_dir/web/quic/hello"
  lab_start quic nsenter --net="/run/netns/${lab_prefix}server" -- \
    gtlsserver -q --htdocs="$lab_dir/web/quic" '*' 443 "$lab_dir/web/server.key" "$lab_dir/web/server.crt"
  lab_until 10 in_ns server dig +short +time=1 +tries=1 "@$lab_server4" ready.test
  lab_until 10 in_ns server curl -sf -m 1 "http://$lab_server4/"
}

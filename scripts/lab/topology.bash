# The lab's network: client — gateway — server, three namespaces on one Ethernet segment that only Sluice bridges.
# shellcheck shell=bash
#
#   client eth0 (198.18.0.10/15, 2001:db8:18::10/32) ── eth1 gateway eth2 ── eth0 server (198.19.0.1/15, 2001:db8:19::1/32)
#
# Addresses are of the ranges for benchmarks and documentation (RFC 2544, RFC 3849). Subscribers are 198.18.0.0/16 and
# 2001:db8:18::/48. Namespaces are called ${lab_prefix}client and so on; everything that runs keeps its state in ${lab_dir}.

lab_prefix=${lab_prefix:-sluice-}
lab_dir=${lab_dir:-/run/sluice-lab/${lab_prefix%-}}
lab_queues=${lab_queues:-1} # receive and send queues of every port: as many as workers
export lab_subscribers=198.18.0.0/16,2001:db8:18::/48
export lab_server4=198.19.0.1
export lab_server6=2001:db8:19::1

# in_ns client COMMAND…: in that network namespace, with the mounts of here (`ip netns exec` would hide bpffs and sysfs).
in_ns() {
  local ns=$1
  shift
  nsenter --net="/run/netns/$lab_prefix$ns" -- "$@"
}

# Makes the namespaces and links.
lab_net_up() {
  local ns
  for ns in client gateway server; do
    ip netns add "$lab_prefix$ns"
    in_ns "$ns" ip link set lo up
  done
  lab_cable client eth1
  lab_cable server eth2
  in_ns client ip addr add 198.18.0.10/15 dev eth0
  in_ns client ip addr add 2001:db8:18::10/32 dev eth0 nodad
  in_ns server ip addr add "$lab_server4/15" dev eth0
  in_ns server ip addr add "$lab_server6/32" dev eth0 nodad
}

# lab_cable NS PORT: NS:eth0 to gateway:PORT. Checksums and segmentation are done by the kernel, not left to a NIC
# that is not there; GRO stays on at the far ends, or veth drops what the devmap hands it.
lab_cable() {
  local ns=$1 port=$2
  ip link add name eth0 netns "$lab_prefix$ns" numrxqueues "$lab_queues" numtxqueues "$lab_queues" type veth \
    peer name "$port" netns "${lab_prefix}gateway" numrxqueues "$lab_queues" numtxqueues "$lab_queues"
  in_ns gateway sysctl -qw "net.ipv6.conf.$port.disable_ipv6=1"
  in_ns "$ns" sysctl -qw net.ipv6.conf.eth0.accept_ra=0
  in_ns "$ns" ethtool -K eth0 tx off rx off tso off gso off gro on >/dev/null
  in_ns gateway ethtool -K "$port" tx off rx off tso off gso off >/dev/null
  in_ns "$ns" ip link set eth0 addrgenmode none up
  in_ns gateway ip link set "$port" up
}

# lab_net_down: ends what still runs in the namespaces and removes them. Fine where there are none.
lab_net_down() {
  local ns pid
  for ns in client gateway server; do
    [ -e "/run/netns/$lab_prefix$ns" ] || continue
    for pid in $(ip netns pids "$lab_prefix$ns"); do kill -KILL "$pid" 2>/dev/null || true; done
    ip netns del "$lab_prefix$ns"
  done
}

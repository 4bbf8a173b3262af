#!/usr/bin/env python3
"""Writes the seed corpora of the packet, fragments, DNS and TLS fuzz targets next to this file.

Frames and queries are built with scapy; ClientHellos are what openssl, curl and Python say to a socket on loopback, so
their random bytes differ from run to run. Needs python3-scapy, openssl and curl.
"""
import pathlib
import socket
import ssl
import subprocess
import threading

from scapy.all import (DNS, DNSQR, DNSRROPT, GRE, IP, IPv6, TCP, UDP, CookedLinux, CookedLinuxV2, Dot1AD, Dot1Q, Dot3, Ether,
                       ICMP, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, IPOption, LLC, Loopback,
                       PPP, PPPoE, Raw, SNAP, fragment)
from scapy.contrib.geneve import GENEVE
from scapy.contrib.gtp import GTP_U_Header
from scapy.contrib.mpls import MPLS
from scapy.layers.ipsec import AH
from scapy.layers.vxlan import VXLAN

HERE = pathlib.Path(__file__).parent
ETHERNET, RAW_IP, NULL, COOKED, COOKED2 = range(5)


def write(target, name, data):
    folder = HERE / target
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(data)


def query(name="www.example.org", **fields):
    return DNS(id=0x1234, rd=1, qd=DNSQR(qname=name, **fields))


def packets():
    """(name, link type, frame) of every header that parse_packet() reads."""
    eth = Ether(src="02:00:00:00:00:02", dst="02:00:00:00:00:01")
    v4 = IP(src="10.0.0.1", dst="192.0.2.53")
    v6 = IPv6(src="2001:db8::1", dst="2001:db8::53")
    dns = UDP(sport=4000, dport=53) / query()
    syn = TCP(sport=4000, dport=443, flags="S", options=[("MSS", 1460), ("SAckOK", b""), ("WScale", 7)])
    inner = eth / v4 / dns
    udp = lambda port: UDP(sport=50000, dport=port)
    frames = {
        "ipv4_udp": eth / v4 / dns,
        "ipv4_tcp_options": eth / v4 / syn,
        "ipv4_options": eth / IP(options=[IPOption(b"\1")] * 8, src="10.0.0.1", dst="192.0.2.1") / dns,
        "ipv6_udp": eth / v6 / dns,
        "ipv6_extensions": eth / v6 / IPv6ExtHdrHopByHop() / IPv6ExtHdrRouting() / IPv6ExtHdrDestOpt() / AH(nh=17, payloadlen=4, icv=bytes(12)) / dns,
        "ipv6_atomic_fragment": eth / v6 / IPv6ExtHdrFragment(id=1) / dns,
        "ipv6_fragment": eth / v6 / IPv6ExtHdrFragment(id=1, offset=181, m=1, nh=17) / Raw(b"x" * 16),
        "ipv4_fragment": eth / fragment(v4 / UDP(sport=1, dport=53) / Raw(b"x" * 64), 32)[1],
        "qinq": eth / Dot1AD(vlan=7) / Dot1Q(vlan=8) / v4 / dns,
        "pppoe": eth / PPPoE(sessionid=7) / PPP(proto=0x21) / v4 / dns,
        "pppoe_ipv6": eth / Dot1Q(vlan=9) / PPPoE(sessionid=7) / PPP(proto=0x57) / v6 / dns,
        "mpls": eth / MPLS(label=16, s=0) / MPLS(label=17, s=1) / v4 / dns,
        "mpls_pseudowire": eth / MPLS(label=17, s=1) / Raw(b"\0\0\0\1" + bytes(inner)),
        "gre": eth / v4 / GRE(chksum_present=1, key_present=1, seqnum_present=1) / v4 / dns,
        "gre_ethernet": eth / v4 / GRE(proto=0x6558) / inner,
        "erspan_2": eth / v4 / GRE(proto=0x88BE, seqnum_present=1) / Raw(b"\x10\1\0\0\0\0\0\1" + bytes(inner)),
        "erspan_3": eth / v4 / GRE(proto=0x22EB, seqnum_present=1) / Raw(b"\x20\1" + bytes(10) + bytes(inner)),
        "pptp": eth / v4 / Raw(b"\x30\x01\x88\x0b" + (len(v4 / dns) + 4).to_bytes(2, "big") + b"\0\1\0\0\0\1\xff\3\0\x21"
                               + bytes(v4 / dns)),
        "ipip": eth / v4 / v4 / dns,
        "6in4": eth / v4 / v6 / dns,
        "4in6": eth / v6 / v4 / dns,
        "vxlan": eth / v4 / udp(4789) / VXLAN(vni=1) / inner,
        "geneve": eth / v4 / udp(6081) / GENEVE(vni=1, proto=0x6558) / inner,
        "gtp_u": eth / v4 / udp(2152) / GTP_U_Header(teid=1) / v4 / dns,
        "teredo": eth / v4 / udp(3544) / v6 / dns,
        "snap": Dot3(src="02:00:00:00:00:02", dst="02:00:00:00:00:01") / LLC() / SNAP() / v4 / dns,
        "icmp": eth / v4 / ICMP(),
    }
    frames["pptp"][IP].proto = 47
    for name, frame in frames.items():
        yield name, ETHERNET, bytes(frame)
    yield "raw", RAW_IP, bytes(v4 / dns)
    yield "null", NULL, bytes(Loopback(type=2) / v4 / dns)
    yield "cooked", COOKED, bytes(CookedLinux(proto=0x0800) / v4 / dns)
    yield "cooked2", COOKED2, bytes(CookedLinuxV2(proto=0x86DD) / v6 / dns)


def stacks():
    """Choices of headers around a query, as tests/fuzz/packet/packet.cc reads them: IP version, tunnels, link."""
    for kind in range(11):
        yield f"stack_{kind}", bytes([0x80, kind % 2, 1, 1, kind, 3, 0, 0])
    yield "stack_two_tunnels", bytes([0x80, 0, 1, 2, 6, 2, 1, 2, 1, 3, 0, 1, 2, 0, 7])
    yield "stack_pppoe_patched", bytes([0x80, 1, 0, 0, 1, 2, 0, 1, 0, 30, 0x45])


def queries():
    edns = DNSRROPT(rclass=1232, z=0x8000)
    plain = bytes(query())
    yield "a", plain
    yield "aaaa_edns", bytes(DNS(id=1, rd=1, qd=DNSQR(qname="WwW.eXample.org", qtype="AAAA"), ar=edns))
    yield "root_ns", bytes(query(".", qtype="NS"))
    second = b"\4mail\xc0\x10\0\x0f\0\1"
    yield "two_questions", plain[:5] + b"\2" + plain[6:] + second
    yield "four_questions", plain[:5] + b"\4" + plain[6:] + second * 3
    tsig = b"\3key\0\0\xfa\0\xff\0\0\0\0\0\4\0\0\0\0"
    yield "tsig", plain[:11] + b"\1" + plain[12:] + tsig
    yield "binary_label", plain[:12] + b"\5a\0.\\\xff\3www\0\0\1\0\1"
    yield "longest", plain[:12] + (b"\x3f" + b"x" * 63) * 3 + b"\x3d" + b"y" * 61 + b"\0\0\1\0\1"
    yield "option", plain[:11] + b"\1" + plain[12:] + b"\0\0\x29\4\xd0\0\0\x80\0\0\x0c\0\x0a\0\x08abcdefgh"
    yield "response", plain[:2] + b"\x81\x80" + plain[4:]


def fragment_rows():
    """Five bytes a fragment, as tests/fuzz/packet/fragments.cc reads them."""
    more, v6 = 2, 1
    row = lambda flags, offset, length, seconds=0, first=0: bytes([flags, offset, length, seconds, first])
    head, tail = row(more, 0, 64), row(0, 8, 20)
    yield "in_order", head + tail
    yield "reversed_ipv6", row(v6, 8, 20) + row(v6 | more, 0, 64)
    yield "overlap", head + row(more, 4, 64)
    yield "copies", head + head + tail + tail
    yield "timeout", head + row(0, 8, 20, 70) + head
    yield "beyond_kept", b"".join(row(more, n * 16, 128) for n in range(12)) + row(0, 192, 7)
    yield "many_ids", b"".join(row(more | n << 2, 0, 8) for n in range(16)) + row(15 << 2, 1, 8)


def first_flight(client):
    """What a client says first to a server on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        port = server.getsockname()[1]
        runner = threading.Thread(target=client, args=(port,))
        runner.start()
        peer, _ = server.accept()
        with peer:
            peer.settimeout(10)
            hello = peer.recv(1 << 16)
            while len(hello) < 5 + int.from_bytes(hello[3:5], "big"):
                hello += peer.recv(1 << 16)
        runner.join()
    return hello


def run(*command):
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20,
                   check=False)


def python_client(port):
    context = ssl.create_default_context()
    try:
        with socket.create_connection(("127.0.0.1", port)) as plain:
            context.wrap_socket(plain, server_hostname="python.example.org")
    except (ssl.SSLError, OSError):
        pass


def hellos():
    s_client = lambda *args: lambda port: run("openssl", "s_client", "-connect", f"127.0.0.1:{port}", *args)
    yield "openssl_tls13", first_flight(s_client("-servername", "www.example.org"))
    yield "openssl_tls12", first_flight(s_client("-servername", "www.example.org", "-tls1_2"))
    yield "openssl_no_sni", first_flight(s_client("-noservername"))
    yield "openssl_many_groups", first_flight(s_client("-servername", "a.b.example.org", "-groups", "P-256:P-384:P-521:X25519",
                                                       "-alpn", "h2,http/1.1", "-status"))
    yield "curl", first_flight(lambda port: run("curl", "-ks", "-m", "5", "--resolve", f"shop.example.net:{port}:127.0.0.1",
                                                f"https://shop.example.net:{port}/"))
    yield "python", first_flight(python_client)


def records(message, sizes):
    """The handshake message cut into records of the given sizes, the last one repeated."""
    out, at, n = b"", 0, 0
    while at < len(message):
        size = sizes[min(n, len(sizes) - 1)]
        part = message[at:at + size]
        out += b"\x16\3\3" + len(part).to_bytes(2, "big") + part
        at, n = at + size, n + 1
    return out


def main():
    for name, link, frame in packets():
        write("packet", name, bytes([link]) + frame)
    for name, choices in stacks():
        write("packet", name, choices)
    for name, message in queries():
        write("dns_query", name, message)
    for name, row in fragment_rows():
        write("fragments", name, row)
    for name, stream in hellos():
        cut = (len(stream) // 2).to_bytes(2, "big")
        write("tls_client_hello", name, cut + stream)
        write("tls_client_hello", name + "_message", cut + stream[5:])
        if name == "curl":
            write("tls_client_hello", name + "_records", cut + records(stream[5:], [1, 3, 40, 200]))


if __name__ == "__main__":
    main()

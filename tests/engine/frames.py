"""Frames of every kind that an inline pair must pass on as they are."""
import os
import random

from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment
from scapy.layers.inet6 import (ICMPv6ND_NA, ICMPv6ND_NS, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                                IPv6ExtHdrHopByHop)
from scapy.layers.l2 import ARP, GRE, Dot1AD, Dot1Q, Ether
from scapy.layers.ppp import PPPoE
from scapy.packet import Raw

CLIENT, SERVER = "02:00:00:00:00:0c", "02:00:00:00:00:05"
CLIENT4, SERVER4, CLIENT6, SERVER6 = "198.18.0.10", "198.19.0.1", "2001:db8:18::10", "2001:db8:19::1"


def ether(up=True, **fields):
    source, target = (CLIENT, SERVER) if up else (SERVER, CLIENT)
    return Ether(src=source, dst=target, **fields)


def ip(up=True, **fields):
    source, target = (CLIENT4, SERVER4) if up else (SERVER4, CLIENT4)
    return IP(src=source, dst=target, **fields)


def ip6(up=True, **fields):
    source, target = (CLIENT6, SERVER6) if up else (SERVER6, CLIENT6)
    return IPv6(src=source, dst=target, **fields)


def query(name, port=40000, ident=1, v6=False):
    network = ip6() if v6 else ip()
    return ether() / network / UDP(sport=port, dport=53) / DNS(id=ident, rd=1, qd=DNSQR(qname=name))


def tls_hello(name, padding=0):
    """A TLS record with a ClientHello that has nothing but a server name, behind so many bytes of padding."""
    host = name.encode()
    entry = b"\x00" + len(host).to_bytes(2, "big") + host
    names = len(entry).to_bytes(2, "big") + entry
    filler = b"\x00\x15" + padding.to_bytes(2, "big") + bytes(padding) if padding else b""
    extensions = filler + b"\x00\x00" + len(names).to_bytes(2, "big") + names
    body = b"\x03\x03" + bytes(32) + b"\x00" + b"\x00\x02\x13\x01" + b"\x01\x00" + len(extensions).to_bytes(2, "big") + extensions
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + len(message).to_bytes(2, "big") + message


def every_kind(mtu=1500):
    """(direction is up, bytes): one of every kind, of both directions."""
    noise = random.Random(7)
    big = noise.randbytes(mtu)
    frames = [
        (True, ether() / ARP(op="who-has", psrc=CLIENT4, pdst=SERVER4)),
        (False, ether(False) / ARP(op="is-at", psrc=SERVER4, pdst=CLIENT4)),
        (True, ether() / ip6(hlim=255) / ICMPv6ND_NS(tgt=SERVER6)),
        (False, ether(False) / ip6(False, hlim=255) / ICMPv6ND_NA(tgt=SERVER6)),
        (True, ether() / ip() / ICMP() / Raw(b"ping")),
        (True, query("free.example")),
        (True, query("free.example", v6=True)),
        (True, ether() / Dot1Q(vlan=7, prio=5) / ip() / UDP(sport=1, dport=2) / Raw(b"tagged")),
        (False, ether(False) / Dot1Q(vlan=7) / ip(False) / UDP(sport=2, dport=1) / Raw(b"tagged")),
        (True, ether() / Dot1AD(vlan=100) / Dot1Q(vlan=7) / ip() / UDP(sport=1, dport=2) / Raw(b"double")),
        (True, ether() / Dot1Q(vlan=100) / Dot1Q(vlan=7) / Dot1Q(vlan=9) / ip6() / UDP(sport=1, dport=2)),
        (True, ether(type=0x9100) / Raw(b"\x00\x07\x08\x00") / ip() / UDP(sport=1, dport=2)),
        (True, ether() / PPPoE(code=0, sessionid=5) / Raw(b"\x00\x21" + bytes(ip() / UDP(sport=1, dport=2)))),
        (True, ether(type=0x8847) / Raw(b"\x00\x01\x01\x40" + bytes(ip() / TCP(flags="S")))),
        (True, ether() / ip() / GRE() / IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=1, dport=53)),
        (True, ether() / ip(options=[b"\x94\x04\x00\x00"]) / TCP(sport=1000, dport=443, flags="S", options=[("MSS", 1460)])),
        (False, ether(False) / ip(False) / TCP(sport=443, dport=1000, flags="SA")),
        (True, ether() / ip() / TCP(sport=1000, dport=443, flags="PA", seq=1) / Raw(b"\x16\x03\x01\x00\xff" + b"x" * 99)),
        (True, ether() / ip6() / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / UDP(sport=1, dport=2) / Raw(b"ext")),
        (True, ether() / ip6() / IPv6ExtHdrFragment(id=3, offset=100, nh=17) / Raw(b"later fragment")),
        (True, ether() / ip(proto=50) / Raw(noise.randbytes(100))),
        (True, ether() / ip() / UDP(sport=1, dport=2, chksum=0x1234) / Raw(b"bad checksum stays bad")),
        (True, ether() / ip(len=20, ttl=1) / Raw(b"length lies")),
        (True, Ether(src=CLIENT, dst="01:80:c2:00:00:0e", type=0x88CC) / Raw(b"\x02\x07lldp123")),
        (True, Ether(src=CLIENT, dst="33:33:00:00:00:01") / ip6() / UDP(sport=1, dport=2)),
        (True, ether(type=0x1234) / Raw(noise.randbytes(40))),
        (True, (bytes(ether(type=0x0800)) + big)[: mtu + 14]),
        (False, (bytes(ether(False, type=0x9999)) + big)[: mtu + 14]),
        (True, (bytes(ether() / Dot1AD(vlan=1) / Dot1Q(vlan=2, type=0x9999)) + big)[: mtu + 14]),
    ]
    frames += [(True, part) for part in fragment(ether() / ip(id=77) / UDP(sport=5, dport=53) / Raw(noise.randbytes(3000)))]
    return [(up, bytes(frame)) for up, frame in frames]

#!/usr/bin/env python3
"""wrap.py FOLDER: what clients and servers said to each other in the captures of `make`, once more in each encapsulation of an
access or core network: FOLDER/wrapped-NAME.pcap and .asked. And what clients alone said, as one sees it who
is on one of two ways: FOLDER/one-way.pcap."""
import functools
import pathlib
import sys

from scapy.all import (GRE, IP, IPv6, PPP, PPP_LCP_Echo, UDP, Dot1AD, Dot1Q, Ether, GRE_PPTP, PPPoE, PPPoED, Raw)
from scapy.contrib.erspan import ERSPAN_II, ERSPAN_III
from scapy.contrib.geneve import GENEVE
from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer
from scapy.contrib.mpls import MPLS
from scapy.layers.inet6 import in6_chksum
from scapy.layers.vxlan import VXLAN

from relink import packets, write

ETHERNET = 1
SOURCES = ("dns", "http", "tls", "quic", "chromium")
SERVER_PORTS = {25, 53, 80, 110, 143, 443, 444, 3128, 4433, 4434, 8080}
PSEUDOWIRE, PSEUDOWIRE_CONTROLLED = 3000, 4000  # MPLS labels, without and with a control word (RFC 4448)
CLIENT_MAC, SERVER_MAC = "02:00:00:00:00:02", "02:00:00:00:00:01"


def ends(up, client, server):
    return {"src": client if up else server, "dst": server if up else client}


def ether(up, **fields):
    return Ether(**ends(up, CLIENT_MAC, SERVER_MAC), **fields)


def outer4(up, **fields):
    return ether(up) / IP(**ends(up, "198.18.0.1", "198.18.0.2"), **fields)


def outer6(up, **fields):
    return ether(up) / IPv6(**ends(up, "2001:db8::1", "2001:db8::2"), **fields)


def udp(up, port):
    """Without a checksum, so that the header depends on nothing but lengths."""
    return outer4(up) / UDP(sport=50000, dport=port, chksum=0)


def protocol(ip):
    return 0x0800 if ip[0] >> 4 == 4 else 0x86DD


def ppp(ip):
    return PPP(proto=0x21 if ip[0] >> 4 == 4 else 0x57) / ip


def tagged(*tags):
    def wrap(up, ip):
        frame = ether(up)
        for tag in tags:
            frame = frame / tag
        frame.lastlayer().type = protocol(ip)
        return frame / ip
    return wrap


def outer_9100(up, ip):
    return ether(up, type=0x9100) / Dot1Q(vlan=300, type=0x9100) / Dot1Q(vlan=7, type=protocol(ip)) / ip


def mpls(up, below):
    """Labels are good for one direction only; the second tells the far end what is below it."""
    return ether(up) / MPLS(label=1000 + up, s=0) / MPLS(label=below + up, s=1)


def bridged(up, ip):
    """The frame as it was on the bridged Ethernet."""
    return bytes(ether(up, type=protocol(ip))) + ip


def gtp_5g(up, ip):
    return udp(up, 2152) / GTP_U_Header(teid=70 + up, E=1, gtp_type=255, next_ex=0x85) / GTPPDUSessionContainer(type=up, QFI=9) / ip


def over_ipv6(ip):
    """As a translator would send it on (RFC 7915): Teredo carries nothing else."""
    if ip[0] >> 4 == 6:
        return ip
    l4 = bytearray(ip[(ip[0] & 15) * 4:])
    header = IPv6(src="64:ff9b::" + ".".join(map(str, ip[12:16])), dst="64:ff9b::" + ".".join(map(str, ip[16:20])), nh=ip[9],
                  plen=len(l4))
    at = {6: 16, 17: 6}.get(ip[9])
    if at is not None:
        l4[at:at + 2] = b"\0\0"
        l4[at:at + 2] = (in6_chksum(ip[9], header, bytes(l4)) or 0xFFFF).to_bytes(2, "big")
    return bytes(header) + bytes(l4)


# name: (goes up?, IP packet) → what is on the wire
WRAPS = {
    "vlan": tagged(Dot1Q(vlan=100, prio=5)),
    "qinq": tagged(Dot1AD(vlan=200), Dot1Q(vlan=100)),
    "9100": outer_9100,
    "mpls": lambda up, ip: mpls(up, 2000) / ip,
    "pseudowire": lambda up, ip: mpls(up, PSEUDOWIRE) / bridged(up, ip),
    "pseudowire-controlled": lambda up, ip: mpls(up, PSEUDOWIRE_CONTROLLED) / Raw(b"\0\0\0\7" + bridged(up, ip)),
    "pppoe": lambda up, ip: ether(up) / PPPoE(sessionid=7) / ppp(ip),
    "pppoe-qinq": lambda up, ip: ether(up) / Dot1AD(vlan=200) / Dot1Q(vlan=100) / PPPoE(sessionid=7) / ppp(ip),
    "gre": lambda up, ip: outer4(up) / GRE(proto=protocol(ip), key_present=1, key=9, seqnum_present=1) / ip,
    "gre-ethernet": lambda up, ip: outer4(up) / GRE(proto=0x6558) / bridged(up, ip),
    "erspan-2": lambda up, ip: outer4(up) / GRE(proto=0x88BE, seqnum_present=1) / ERSPAN_II(ver=1, session_id=3) / bridged(up, ip),
    "erspan-3": lambda up, ip: outer4(up) / GRE(proto=0x22EB, seqnum_present=1) / ERSPAN_III(session_id=3) / bridged(up, ip),
    "pptp": lambda up, ip: outer4(up, proto=47) / GRE_PPTP(call_id=9, seqnum_present=1, sequence_number=1) / Raw(b"\xff\3" + bytes(ppp(ip))),
    "in-ipv4": lambda up, ip: outer4(up, proto=4 if ip[0] >> 4 == 4 else 41) / ip,
    "in-ipv6": lambda up, ip: outer6(up, nh=4 if ip[0] >> 4 == 4 else 41) / ip,
    "teredo": lambda up, ip: udp(up, 3544) / over_ipv6(ip),
    "vxlan": lambda up, ip: udp(up, 4789) / VXLAN(vni=5) / bridged(up, ip),
    "geneve": lambda up, ip: udp(up, 6081) / GENEVE(vni=5, proto=0x6558) / bridged(up, ip),
    "gtp-u": lambda up, ip: udp(up, 2152) / GTP_U_Header(teid=70 + up, gtp_type=255) / ip,
    "gtp-u-5g": gtp_5g,
}


def pppoe_control():
    """How a PPPoE session begins, and what keeps it."""
    broadcast = Ether(src=CLIENT_MAC, dst="ff:ff:ff:ff:ff:ff")
    yield broadcast / PPPoED(code=0x09) / Raw(b"\1\1\0\0")  # PADI, any service
    for up, code in ((False, 0x07), (True, 0x19), (False, 0x65)):
        yield ether(up) / PPPoED(code=code, sessionid=7 if code == 0x65 else 0) / Raw(b"\1\1\0\0")
    for up in (True, False):
        yield ether(up) / PPPoE(sessionid=7) / PPP(proto=0xC021) / PPP_LCP_Echo(magic_number=7)


def goes_up(ip):
    l4 = (ip[0] & 15) * 4 if ip[0] >> 4 == 4 else 40
    return int.from_bytes(ip[l4 + 2:l4 + 4], "big") in SERVER_PORTS


def on_wire(wrap):
    """Of packets of one length and kind, `wrap` makes all but the last bytes the same: done once."""
    @functools.cache
    def head(length, version, up):
        return bytes(wrap(up, bytes([version << 4]) + bytes(length - 1)))[:-length]
    return lambda up, ip: head(len(ip), ip[0] >> 4, up) + ip


def main():
    folder = pathlib.Path(sys.argv[1])
    said = sorted((packet for source in SOURCES for packet in packets(folder / f"{source}.pcap")), key=lambda packet: packet[:2])
    said = [(seconds, micros, goes_up(frame[14:]), frame[14:]) for seconds, micros, _, frame in said]
    asked = "".join((folder / f"{source}.asked").read_text() for source in SOURCES)
    for name, wrap in WRAPS.items():
        wrap = wrap if name == "teredo" else on_wire(wrap)
        frames = [(seconds, micros, bytes(wrap(up, ip))) for seconds, micros, up, ip in said]
        if name == "pppoe":
            control = [(*frames[0][:2], bytes(frame)) for frame in pppoe_control()]
            frames = control + frames[:9] + control[-2:] + frames[9:]
        write(folder / f"wrapped-{name}.pcap", ETHERNET, [(s, u, len(frame), frame) for s, u, frame in frames])
        (folder / f"wrapped-{name}.asked").write_text(asked)
    upwards = [(s, u, bridged(up, ip)) for s, u, up, ip in said if up]
    write(folder / "one-way.pcap", ETHERNET, [(s, u, len(frame), frame) for s, u, frame in upwards])
    (folder / "one-way.asked").write_text(asked)


main()

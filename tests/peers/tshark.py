#!/usr/bin/env python3
"""Compares what our parsers say of generated frames with what tshark says of them.

usage: tshark.py DUMP_PACKETS [SEED]

Random stacks of tags, labels and tunnels around DNS queries and TLS ClientHellos, the seeds of the fuzz targets, and
fragmented datagrams in random order. Exit 0: same addresses, ports, lengths and names for every frame; 77: no tshark.
"""
import importlib.util
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

if shutil.which("tshark") is None or importlib.util.find_spec("scapy") is None:
    print("skipped: needs tshark and python3-scapy")
    sys.exit(77)

from scapy.all import (GRE, IP, IPv6, TCP, UDP, Dot1AD, Dot1Q, Ether, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                       IPOption, IPv6ExtHdrHopByHop, PPP, PPPoE, Raw, RawPcapWriter, fragment, fragment6)
from scapy.contrib.geneve import GENEVE
from scapy.contrib.gtp import GTP_U_Header
from scapy.contrib.mpls import MPLS
from scapy.layers.vxlan import VXLAN

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "corpus"))
import make_seeds  # noqa: E402

FIELDS = ["frame.protocols", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "udp.srcport", "udp.dstport", "tcp.srcport",
          "tcp.dstport", "udp.length", "tcp.len", "dns.qry.name", "tls.handshake.extensions_server_name"]
LINKTYPES = {make_seeds.ETHERNET: 1, make_seeds.RAW_IP: 101, make_seeds.NULL: 0, make_seeds.COOKED: 113,
             make_seeds.COOKED2: 276}


class Frames:
    """Random frames, inside out."""

    def __init__(self, seed, hellos):
        self.random = random.Random(seed)
        self.hellos = hellos

    def ip(self):
        byte = lambda: self.random.randrange(1, 255)
        options = [IPOption(b"\1")] * self.random.choice([0, 0, 4, 36])  # with 40, tshark misses IPv4 inside GTP-U
        return IP(src=f"10.{byte()}.{byte()}.{byte()}", dst=f"192.0.2.{byte()}", id=byte(), options=options)

    def ipv6(self):
        header = IPv6(src=f"2001:db8::{self.random.randrange(1, 9999)}", dst=f"2001:db8:1::{self.random.randrange(1, 9999)}")
        for extension in (IPv6ExtHdrHopByHop, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment):
            if self.random.random() < 0.2:
                header = header / (extension(id=5) if extension is IPv6ExtHdrFragment else extension())
        return header

    def either(self):
        return self.ip() if self.random.random() < 0.5 else self.ipv6()

    def application(self):
        port = self.random.randrange(10000, 60000)
        if self.random.random() < 0.5:
            name = "".join(self.random.choice("aBcD-_") for _ in range(self.random.randrange(1, 50))) + ".Example.org"
            return UDP(sport=port, dport=53) / make_seeds.query(name)
        hello = self.random.choice(self.hellos)
        sizes = [self.random.randrange(1, 700) for _ in range(4)]
        return TCP(sport=port, dport=443, flags="PA", options=[("NOP", None)] * 4) / Raw(make_seeds.records(hello, sizes))

    def ethernet(self, payload, tags=2):
        eth = Ether(src="02:00:00:00:00:02", dst="02:00:00:00:00:01")
        for _ in range(self.random.randint(0, tags)):
            eth = eth / self.random.choice([Dot1AD(vlan=7), Dot1Q(vlan=8)])
        return eth / payload

    def tunnel(self, inner_ip):
        """One tunnel around an IP packet, as another IP packet."""
        outer = self.ip()
        udp = lambda port: outer / UDP(sport=50000, dport=port)
        gre = lambda proto: outer / GRE(proto=proto, chksum_present=self.random.randrange(2),
                                        key_present=self.random.randrange(2), seqnum_present=self.random.randrange(2))
        is_v4 = inner_ip.version == 4
        makers = [lambda: outer / inner_ip,
                  lambda: gre(0x0800 if is_v4 else 0x86DD) / inner_ip,
                  lambda: gre(0x6558) / self.ethernet(inner_ip, 1),
                  lambda: udp(4789) / VXLAN(vni=1) / self.ethernet(inner_ip, 1),
                  lambda: udp(6081) / GENEVE(vni=1, proto=0x6558) / self.ethernet(inner_ip, 1),
                  lambda: udp(2152) / GTP_U_Header(teid=1) / inner_ip]
        if not is_v4:
            makers.append(lambda: udp(3544) / inner_ip)
        return self.random.choice(makers)()

    def frame(self):
        packet = self.either() / self.application()
        for _ in range(self.random.choice([0, 0, 1, 1, 2])):
            packet = self.tunnel(packet)
        below = self.random.randrange(4)
        if below == 0:
            packet = PPPoE(sessionid=7) / PPP(proto=0x21 if packet.version == 4 else 0x57) / packet
        elif below == 1:
            packet = MPLS(label=20, s=0) / MPLS(label=30, s=1) / packet
        return bytes(self.ethernet(packet))

    def fragments(self):
        """All fragments of a query with a long tail, in random order."""
        payload = bytes(make_seeds.query("fragmented.example.org")) + bytes(self.random.randrange(200, 1500))
        datagram = UDP(sport=self.random.randrange(10000, 60000), dport=53) / Raw(payload)
        if self.random.random() < 0.5:
            source = f"10.9.{self.random.randrange(255)}.{self.random.randrange(255)}"
            parts = fragment(IP(src=source, dst="192.0.2.1", id=self.random.randrange(1, 65536)) / datagram, 256)
        else:
            identity = self.random.randrange(1 << 32)
            source = f"2001:db8:2::{self.random.randrange(1, 65536):x}"
            parts = fragment6(IPv6(src=source, dst="2001:db8::1") / IPv6ExtHdrFragment(id=identity) / datagram, 256)
        self.random.shuffle(parts)
        return [bytes(self.ethernet(part, 0)) for part in parts]


def ours(program, capture):
    lines = subprocess.run([program, capture], check=True, capture_output=True, text=True).stdout.splitlines()
    return [tuple(line.split("\t")) for line in lines]


def theirs(capture):
    command = ["tshark", "-n", "-r", capture, "-T", "fields", "-E", "occurrence=l", "-o", "tcp.desegment_tcp_streams:FALSE",
               "-o", "tcp.analyze_sequence_numbers:FALSE"]
    for field in FIELDS:
        command += ["-e", field]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [dict(zip(FIELDS, line.split("\t"))) for line in lines]


def innermost(row):
    """tshark's fields in our order."""
    layers = row["frame.protocols"].split(":")
    if "udp" not in layers and "tcp" not in layers:
        return (row["frame.protocols"],)
    version = [layer for layer in layers if layer in ("ip", "ipv6")][-1]
    transport = [layer for layer in layers if layer in ("udp", "tcp")][-1]
    length = int(row["udp.length"]) - 8 if transport == "udp" else int(row["tcp.len"])
    name = (row["dns.qry.name"] if transport == "udp" else row["tls.handshake.extensions_server_name"]).lower() or "-"
    return ("none", "17" if transport == "udp" else "6", row[version + ".src"], row[transport + ".srcport"],
            row[version + ".dst"], row[transport + ".dstport"], str(length), name)


def compare(program, title, link, frames, folder):
    capture = str(folder / "frames.pcap")
    with RawPcapWriter(capture, linktype=link) as writer:
        writer.write_header(None)
        for frame in frames:
            writer.write_packet(frame)
    wrong = 0
    for frame, mine, row in zip(frames, ours(program, capture), theirs(capture), strict=True):
        if mine[0] == "fragment" and "fragment" not in title:
            continue
        if mine[0] in ("not-ip", "no-ports", "fragment") and not row["dns.qry.name"]:
            continue
        expected = innermost(row)
        if mine != expected:
            wrong += 1
            print(f"{title}: {row['frame.protocols']}\n  ours   {mine}\n  theirs {expected}\n  {frame.hex()}")
    print(f"{title}: {len(frames)} frames, {wrong} read differently")
    return wrong


def main():
    program = sys.argv[1]
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    corpus = pathlib.Path(make_seeds.__file__).parent / "tls_client_hello"
    hellos = [(corpus / name).read_bytes()[2:] for name in ("openssl_tls13_message", "openssl_tls12_message", "curl_message")]
    frames = Frames(seed, hellos)
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        wrong += compare(program, "random stacks", 1, [frames.frame() for _ in range(1000)], folder)
        wrong += compare(program, "fragmented queries", 1, sum((frames.fragments() for _ in range(100)), []), folder)
        for link, number in LINKTYPES.items():
            # tshark does not look behind an MPLS label without being told what it means.
            seeds = [frame for title, kind, frame in make_seeds.packets() if kind == link and title != "mpls_pseudowire"]
            wrong += compare(program, f"seeds of link type {number}", number, seeds, folder)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

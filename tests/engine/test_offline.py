"""Captures in, captures out: no privileges, no network."""
import pathlib
import subprocess

import pytest
from scapy.contrib.geneve import GENEVE
from scapy.contrib.gtp import GTP_U_Header
from scapy.contrib.mpls import MPLS, EoMCW
from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import GRE, Dot1AD, Dot1Q, Ether
from scapy.layers.vxlan import VXLAN
from scapy.utils import RawPcapReader, RawPcapWriter

from engine import BIN, BLOCKED, BLOCKED_BELOW, FREE, Engine, make_image
from frames import CLIENT4, SERVER4, ether, every_kind, ip, ip6, query, tls_hello

FEED = "test.example/engine"


def write(path, frames):
    with RawPcapWriter(str(path), linktype=1, sync=True) as out:
        out.write_header(None)
        for frame in frames:
            out.write_packet(frame)
    return path


def read(path):
    return [bytes(frame) for frame, _ in RawPcapReader(str(path))]


@pytest.fixture
def gateway(tmp_path):
    """run(up frames, down frames, arguments…) → what left towards the Internet, what left towards subscribers, engine."""

    def run(up, down, *arguments, code=0):
        run_dir = tmp_path / "run"
        run_dir.mkdir(exist_ok=True)
        ports = []
        for role, frames in (("subscriber", up), ("internet", down)):
            write(tmp_path / f"{role}.in", frames)
            ports += ["--port", f"{role}=pcap:{tmp_path / role}.in,{tmp_path / role}.out"]
        with Engine(run_dir, *ports, "--memory-mb", "256", *arguments) as engine:
            assert engine.process.wait(timeout=60) == code, engine.log
        return read(tmp_path / "internet.out"), read(tmp_path / "subscriber.out"), engine

    return run


def enforcing(image, key):
    return ["--image", image, "--image-key", key, "--mode", "enforce", "--subscribers", "198.18.0.0/16,2001:db8:18::/48"]


def test_every_kind_of_frame_leaves_byte_for_byte_and_in_order(gateway, tmp_path):
    frames = every_kind() + [(True, b"\x02" * 9000)]
    up, down = [f for is_up, f in frames if is_up], [f for is_up, f in frames if not is_up]
    image, key = make_image(tmp_path, "rules")
    to_internet, to_subscriber, engine = gateway(up, down, *enforcing(image, key))
    assert to_internet == up
    assert to_subscriber == down
    counters = engine.counters()
    assert counters.side("rx_pkts") == (len(up), len(down))
    assert counters.side("tx_pkts") == (len(down), len(up))
    assert counters.side("rx_bytes") == (sum(map(len, up)), sum(map(len, down)))
    assert counters.dropped == 0


def test_frames_of_all_short_lengths_leave_as_they_came(gateway):
    up = [query(FREE).build()[:length] for length in range(14, 76)]
    assert gateway(up, [])[0] == up


def test_ten_thousand_frames_leave_in_order(gateway):
    up = [bytes(Ether() / f"{i}".encode().ljust(60)) for i in range(10_000)]
    assert gateway(up, [])[0] == up


def test_a_blocked_name_is_answered_and_counted_under_its_order(gateway, tmp_path):
    image, key = make_image(tmp_path, "rules")
    asked = [query(BLOCKED, ident=11), query(FREE, ident=12), query(BLOCKED_BELOW, ident=13, v6=True)]
    up = [frame.build() for frame in asked]
    to_internet, to_subscriber, engine = gateway(up, [], *enforcing(image, key))
    assert to_internet == [up[1]]
    answers = [Ether(frame) for frame in to_subscriber]
    assert [answer[DNS].id for answer in answers] == [11, 13]
    assert all(answer[DNS].qr == 1 and answer[DNS].ancount == 0 and answer[UDP].dport == 40000 for answer in answers)
    counters = engine.counters()
    assert counters.order(FEED, "TEST-1") == (2, 0)
    assert counters.dropped == 2
    assert counters.side("reply_pkts") == (2, 0)
    assert counters.side("tx_pkts") == (2, 1)


@pytest.mark.parametrize("ports", [1, 2])
def test_copies_are_answered_through_the_next_hops_and_never_forwarded(tmp_path, ports):
    image, key = make_image(tmp_path, "rules")
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    hello = tls_hello(BLOCKED)
    up = [query(BLOCKED, ident=11).build(), query(FREE, ident=12).build(), bytes(ether() / ip() / TCP(sport=1, dport=443, seq=7, ack=9, flags="PA") / hello)]
    down = [frame for is_up, frame in every_kind() if not is_up]
    roles = {"mirror": up + down} if ports == 1 else {"mirror-subscriber": up, "mirror-internet": down}
    arguments = []
    for role, frames in roles.items():
        arguments += ["--port", f"{role}=pcap:{write(tmp_path / role, frames)}"]
    arguments += ["--port", f"inject=pcap:,{tmp_path}/out", "--next-hop", "subscriber=02:bb:00:00:00:01,vlan=5",
                  "--next-hop", "internet=02:cc:00:00:00:01,vlan=100.7"]
    with Engine(run_dir, *arguments, *enforcing(image, key), "--memory-mb", "256") as engine:
        assert engine.process.wait(timeout=60) == 0, engine.log
    answer, to_client, to_server = [Ether(frame) for frame in read(tmp_path / "out")]
    assert (answer[DNS].id, answer[DNS].qr, answer.dst, answer[Dot1Q].vlan) == (11, 1, "02:bb:00:00:00:01", 5)
    assert (to_client[TCP].flags, to_client[TCP].seq, to_client.dst) == ("RA", 9, "02:bb:00:00:00:01")
    assert (to_server[TCP].flags, to_server[TCP].seq) == ("RA", 7 + len(hello))
    assert (to_server[Dot1AD].vlan, to_server[Dot1Q].vlan, to_server.dst) == (100, 7, "02:cc:00:00:00:01")
    counters = engine.counters()
    assert counters.side("rx_pkts") == (len(up), len(down))
    assert counters.side("tx_pkts") == counters.side("reply_pkts") == (2, 1)
    assert counters.order(FEED, "TEST-1") == (2, 0)
    assert counters.dropped == 0


def from_the_network(frame):
    """The frame with every length and checksum worked out anew by scapy."""
    packet = Ether(frame)
    layer = packet
    while layer:
        for field in ("len", "plen", "chksum", "length"):
            if field in layer.fields and not (isinstance(layer, UDP) and field == "chksum" and layer.chksum == 0):
                del layer.fields[field]
        layer = layer.payload
    return bytes(packet)


A, B, A6, B6 = "10.0.0.1", "10.0.0.2", "2001:db8:a::1", "2001:db8:a::2"
INNER = dict(src="02:00:00:00:01:01", dst="02:00:00:00:01:02")
GPDU = dict(version=1, PT=1, gtp_type=255, E=0, S=0, PN=0)
# way back: headers of what came from the subscriber, headers of the answer
WAYS = {
    "vlan,in=100.7,out=200.8": (ether() / Dot1AD(vlan=100, prio=3) / Dot1Q(vlan=7), ether(False) / Dot1AD(vlan=200, prio=3) / Dot1Q(vlan=8)),
    "mpls,in=16.17,out=300": (ether(type=0x8847) / MPLS(label=16, s=0) / MPLS(label=17, s=1), ether(False, type=0x8847) / MPLS(label=300, s=1, ttl=64)),
    "mpls,in=18,out=301.302": (ether(type=0x8847) / MPLS(label=18, s=1) / EoMCW() / Ether(**INNER),
                               ether(False, type=0x8847) / MPLS(label=301, s=0, ttl=64) / MPLS(label=302, s=1, ttl=64) / EoMCW() / Ether(dst=INNER["src"], src=INNER["dst"])),
    f"gre,from={A},to={B},in=5,out=6": (ether() / IP(src=A, dst=B, tos=8) / GRE(key_present=1, key=5), ether(False) / IP(src=B, dst=A, id=0, flags="DF") / GRE(key_present=1, key=6)),
    f"gre,from={B},to={A}": (ether() / IP(src=B, dst=A) / GRE(), ether(False) / IP(src=A, dst=B, id=0, flags="DF") / GRE()),
    f"ip,from={A},to={B}": (ether() / Dot1Q(vlan=9) / IP(src=A, dst=B), ether(False) / Dot1Q(vlan=9) / IP(src=B, dst=A, id=0, flags="DF")),
    f"ip,from={A6},to={B6}": (ether() / IPv6(src=A6, dst=B6, tc=4, fl=99), ether(False) / IPv6(src=B6, dst=A6)),
    f"vxlan,from={A},to={B},in=7,out=8": (ether() / IP(src=A, dst=B) / UDP(sport=50000, dport=4789) / VXLAN(vni=7, flags=8) / Ether(**INNER),
                                          ether(False) / IP(src=B, dst=A, id=0, flags="DF") / UDP(sport=50000, dport=4789) / VXLAN(vni=8, flags=8) / Ether(dst=INNER["src"], src=INNER["dst"])),
    f"vxlan,from={A6},to={B6}": (ether() / IPv6(src=A6, dst=B6) / UDP(sport=50000, dport=4789) / VXLAN(vni=70, flags=8) / Ether(**INNER) / Dot1Q(vlan=3),
                                 ether(False) / IPv6(src=B6, dst=A6) / UDP(sport=50000, dport=4789) / VXLAN(vni=70, flags=8) / Ether(dst=INNER["src"], src=INNER["dst"]) / Dot1Q(vlan=3)),
    f"geneve,from={A},to={B},in=7,out=8": (ether() / IP(src=A, dst=B) / UDP(sport=50000, dport=6081, chksum=0) / GENEVE(vni=7) / Ether(**INNER),
                                           ether(False) / IP(src=B, dst=A, id=0, flags="DF") / UDP(sport=50000, dport=6081, chksum=0) / GENEVE(vni=8) / Ether(dst=INNER["src"], src=INNER["dst"])),
    f"gtp,from={A},to={B},in=1,out=2": (ether() / IP(src=A, dst=B) / UDP(sport=2152, dport=2152) / GTP_U_Header(teid=1, **GPDU),
                                        ether(False) / IP(src=B, dst=A, id=0, flags="DF") / UDP(sport=2152, dport=2152) / GTP_U_Header(teid=2, **GPDU)),
}


def test_answers_go_back_through_tunnels_whose_way_back_is_configured_and_no_others(gateway, tmp_path):
    image, key = make_image(tmp_path, "rules")
    ask = UDP(sport=40000, dport=53) / DNS(id=7, rd=1, qd=DNSQR(qname=BLOCKED))
    up = [bytes(came / network / ask) for came, _ in WAYS.values() for network in (ip(), ip6())]
    to_internet, to_subscriber, engine = gateway(up, [], *enforcing(image, key), *[word for way in WAYS for word in ("--way-back", way)])
    assert to_internet == []
    answers = iter(to_subscriber)
    for way, (_, back) in WAYS.items():
        for network in (ip(False, id=0, flags="DF"), ip6(False)):
            answer = next(answers)
            assert answer == from_the_network(answer), way  # every length and checksum, the outer ones too
            dns = Ether(answer)[DNS]
            assert (dns.id, dns.qr, dns.ancount) == (7, 1, 0), way
            assert answer == from_the_network(bytes(back / network / UDP(sport=53, dport=40000) / bytes(dns))), way
    assert not list(answers)
    # Without ways back, or from other end points, only what has tags alone is answered; all falls.
    (tmp_path / "ways").write_text(f"# none of ours\nvxlan,from={B},to={A}\n\ngre,from={A},to={B},in=9\n")
    to_internet, to_subscriber, engine = gateway(up, [], *enforcing(image, key), "--way-back-file", tmp_path / "ways")
    assert to_internet == []
    assert len(to_subscriber) == 2 and all(Dot1AD in Ether(frame) for frame in to_subscriber)
    assert engine.counters().dropped == len(up)


def test_a_connection_in_a_tunnel_is_reset_both_ways_and_foreign_or_odd_tunnels_are_not_answered(gateway, tmp_path):
    image, key = make_image(tmp_path, "rules")
    outer = ether() / IP(src=A, dst=B) / UDP(sport=50000, dport=4789) / VXLAN(vni=7, flags=8) / Ether(**INNER)
    hello = TCP(sport=1, dport=443, seq=7, ack=9, flags="PA") / tls_hello(BLOCKED)
    ask = UDP(sport=40000, dport=53) / DNS(rd=1, qd=DNSQR(qname=BLOCKED))
    odd = [
        outer / IP(src="203.0.113.1", dst=SERVER4) / ask,  # no subscriber within
        ether() / IP(src=A, dst=B, options=[b"\x94\x04\x00\x00"]) / GRE() / ip() / ask,
        ether() / IP(src=A, dst=B) / GRE(seqnum_present=1) / ip() / ask,
        ether() / IP(src=A, dst=B) / GRE(chksum_present=1) / ip() / ask,
    ]
    up = [bytes(outer / ip() / hello)] + [bytes(frame) for frame in odd]
    to_internet, to_subscriber, engine = gateway(up, [], *enforcing(image, key), "--way-back", f"vxlan,from={A},to={B}", "--way-back",
                                                 f"gre,from={A},to={B}")
    (to_client,), (to_server,) = to_subscriber, to_internet
    for frame, outer_source, inner_source, seq in ((to_client, B, SERVER4, 9), (to_server, A, CLIENT4, 7)):
        assert frame == from_the_network(frame)
        packet = Ether(frame)
        assert (packet[IP].src, packet[VXLAN].vni) == (outer_source, 7)
        assert (packet[VXLAN][IP].src, packet[TCP].flags, packet[TCP].seq) == (inner_source, "RA", seq)
    assert engine.counters().dropped == len(up)


def test_names_are_read_in_jumbo_frames_of_several_segments_which_leave_as_they_came(gateway, tmp_path):
    image, key = make_image(tmp_path, "rules")

    def jumbo(name):
        return bytes(ether() / ip() / TCP(sport=1, dport=443, seq=7, ack=9, flags="PA") / tls_hello(name, padding=8000))

    up = [jumbo(FREE), jumbo(BLOCKED), bytes(ether(type=0x9999)) + b"x" * 12000, query(FREE).build()]
    assert len(up[0]) > 8000
    to_internet, to_subscriber, engine = gateway(up, [], *enforcing(image, key))
    assert to_internet[:3] == [up[0], up[2], up[3]]  # the third is too long to be read
    assert (Ether(to_internet[3])[TCP].flags, Ether(to_subscriber[0])[TCP].flags) == ("RA", "RA")
    assert engine.counters().order(FEED, "TEST-1") == (1, 0)
    assert gateway(up, [], *enforcing(image, key), "--row", "too-many-segments=drop")[0][:2] == [up[0], up[3]]


def test_observe_is_the_default_counts_and_touches_nothing(gateway, tmp_path):
    image, key = make_image(tmp_path, "rules")
    up = [query(BLOCKED).build(), query(FREE).build()]
    to_internet, to_subscriber, engine = gateway(up, [], "--image", image, "--image-key", key)
    assert (to_internet, to_subscriber) == (up, [])
    assert engine.counters().order(FEED, "TEST-1") == (0, 1)
    assert engine.counters().dropped == 0


def test_a_bad_image_at_start_is_told_and_the_wire_goes_on(gateway, tmp_path):
    image, key = make_image(tmp_path, "rules")
    image.write_bytes(image.read_bytes()[:-1])
    up = [query(BLOCKED).build()]
    to_internet, _, engine = gateway(up, [], *enforcing(image, key))
    assert to_internet == up
    assert "not loaded: truncated" in engine.log


def test_without_an_image_the_row_no_image_decides(gateway):
    up = [query(BLOCKED).build()]
    assert gateway(up, [])[0] == up
    assert gateway(up, [], "--mode", "enforce", "--row", "no-image=drop")[0] == []


@pytest.mark.parametrize("arguments", [["--port", "subscriber=xdp:eth1"], ["--mode", "block"], ["--no-such-option"]])
def test_a_bad_command_line_ends_with_code_2(arguments):
    done = subprocess.run([BIN / "sluice-dataplane", *arguments], capture_output=True, text=True, timeout=20)
    assert done.returncode == 2
    assert done.stderr.startswith("sluice-dataplane: ")


@pytest.mark.parametrize("port, why", [("xdp:nosuchif0", "no interface nosuchif0"), ("packet:nosuchif0", "no interface nosuchif0"),
                                       ("pcap:/nonexistent/a.pcap", "pcap:/nonexistent/a.pcap")])
def test_a_port_that_cannot_be_opened_ends_with_code_1_and_is_named(tmp_path, port, why):
    run_dir = pathlib.Path(tmp_path)
    with Engine(run_dir, "--port", f"subscriber={port}", "--port", f"internet=pcap:,{tmp_path}/out.pcap") as engine:
        assert engine.process.wait(timeout=30) == 1
    assert why in engine.log

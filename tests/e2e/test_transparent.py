"""What is not blocked passes untouched, nothing is lost, and nothing that Sluice sends can be turned into a weapon."""
import hashlib
import random
import re
import time

import pytest
from lab import CLIENT4, CLIENT6, DATAPLANE_OPTIONS, DIR, SERVER4, SERVER6, measured, run, running, until

from scapy.all import (ARP, GRE, ICMP, IP, PPP, SCTP, TCP, UDP, Dot1AD, Dot1Q, Ether, IPOption_Router_Alert, IPv6,
                       IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, Padding, PPPoE, PPPoED, Raw, RawPcapReader,
                       fragment, wrpcap)


def test_100_mb_download_loses_nothing(lab):
    before = lab.drops()
    digest = hashlib.sha256((DIR / "web/100m").read_bytes()).hexdigest()
    for at in (SERVER4, f"[{SERVER6}]"):
        done = run("client", "bash", "-c", f"curl -sf -m 60 http://{at}/100m | sha256sum", timeout=90)
        assert done.stdout.split()[0] == digest
    assert lab.drops() == before


def test_10000_queries_of_dnsperf_lose_nothing(lab):
    before, hits = lab.drops(), lab.hits()
    queries = DIR / "queries"
    blocked = 0
    with open(queries, "w") as out:
        for i in range(10000):
            if i % 5 == 0:
                blocked += 1
                out.write("www.blocked.test A\n")
            else:
                out.write(f"n{i}.allowed.test {'AAAA' if i % 2 else 'A'}\n")
    done = run("client", "dnsperf", "-s", SERVER4, "-d", queries, "-n", "1", "-q", "100", "-c", "4", "-e", timeout=60)
    assert re.search(r"Queries sent:\s+10000", done.stdout), done.stdout
    assert re.search(r"Queries completed:\s+10000 \(100.00%\)", done.stdout), done.stdout
    assert re.search(r"Queries lost:\s+0 ", done.stdout)
    assert re.search(r"Response codes:\s+NOERROR 10000", done.stdout)
    assert lab.drops() == before
    assert lab.hits()["E2E-00002"] - hits["E2E-00002"] == blocked
    rate = re.search(r"Queries per second:\s+(\S+)", done.stdout).group(1)
    measured(f"10000 queries, {blocked} of them blocked, at {rate} a second: none lost")


# -- byte for byte --------------------------------------------------------------------------------------------------

def mac_by_ip(ns):
    return re.search(r"link/ether (\S+)", run(ns, "ip", "link", "show", "eth0").stdout).group(1)


def odd_frames(client_mac, server_mac):
    """One of everything that a gateway meets and must not touch."""
    rng = random.Random(20261122)
    ether = Ether(src=client_mac, dst=server_mac)
    ip4, ip6 = IP(src=CLIENT4, dst=SERVER4), IPv6(src=CLIENT6, dst=SERVER6)
    body = Raw(bytes(rng.randrange(256) for _ in range(200)))
    big = Raw(bytes(rng.randrange(256) for _ in range(3000)))
    frames = [
        ether / ip4 / UDP(sport=1111, dport=2222) / body,
        ether / ip4 / UDP(sport=1111, dport=53) / body,                      # not DNS on port 53
        ether / ip4 / UDP(sport=1111, dport=53) / Raw(b"\0" * 11),           # shorter than a DNS header
        ether / ip4 / UDP(sport=1111, dport=443) / Raw(b"\xc0" + bytes(1199)),
        ether / ip4 / UDP(sport=1111, dport=2222, chksum=0x1234) / body,     # a wrong checksum is not ours to mend
        ether / IP(src=CLIENT4, dst=SERVER4, options=[IPOption_Router_Alert()]) / UDP(sport=1, dport=2) / body,
        ether / IP(src=CLIENT4, dst=SERVER4, ttl=1, tos=0xB8, id=77) / ICMP() / body,
        ether / ip6 / UDP(sport=1111, dport=2222) / body,
        ether / ip6 / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / UDP(sport=5, dport=6) / body,
        ether / ip6 / IPv6ExtHdrFragment(id=9, m=1, offset=0) / Raw(bytes(64)),
        ether / ip4 / TCP(sport=7777, dport=443, flags="PA", seq=1000) / Raw(b"\x16\x03\x01\x02\x00\x01" + bytes(100)),
        ether / ip4 / TCP(sport=7778, dport=80, flags="PA", seq=1000) / Raw(b"GET / HT"),
        ether / ip4 / TCP(sport=7779, dport=443, flags="SF", seq=1, urgptr=7),
        ether / ip4 / SCTP(sport=9, dport=10) / body,
        ether / ip4 / GRE() / IP(src="192.0.2.1", dst="192.0.2.2") / UDP(sport=3, dport=4) / body,
        ether / Dot1Q(vlan=100, prio=5) / ip4 / UDP(sport=1111, dport=2222) / body,
        ether / Dot1AD(vlan=200) / Dot1Q(vlan=100) / ip4 / UDP(sport=1111, dport=2222) / body,
        ether / Dot1AD(vlan=200) / Dot1Q(vlan=100) / ip6 / TCP(sport=1111, dport=443, flags="A", seq=5) / body,
        ether / PPPoED(code=0x19) / Raw(b"\1\1\0\0"),
        ether / PPPoE(sessionid=7) / PPP(proto=0xC021) / Raw(b"\x09\1\0\x08keep"),                # LCP echo-request
        ether / Dot1AD(vlan=200) / PPPoE(sessionid=7) / PPP(proto=0x8021) / Raw(b"\1\1\0\x04"),     # IPCP
        ether / ARP(op="is-at", hwsrc=client_mac, psrc=CLIENT4, hwdst=server_mac, pdst=SERVER4),
        Ether(src=client_mac, dst="01:80:c2:00:00:0e", type=0x88CC) / Raw(bytes(60)),
        Ether(src=client_mac, dst=server_mac, type=0x1234) / Raw(bytes(46)),
        ether / IP(src=CLIENT4, dst=SERVER4, len=60) / UDP(sport=1, dport=53) / Raw(b"cut"),   # lengths that lie
        ether / ip4 / UDP(sport=1, dport=2) / Raw(b"short") / Padding(bytes(20)),
        ether / Raw(b"\x45"),
    ]
    frames += [ether / part for part in fragment(ip4 / UDP(sport=1111, dport=53) / big, fragsize=1400)]
    return [bytes(frame) for frame in frames]


def captured(path):
    return [bytes(data) for data, _ in RawPcapReader(str(path))] if path.exists() and path.stat().st_size > 24 else []


class Capture:
    """tcpdump of one direction at one end."""

    def __init__(self, ns, direction):
        self.path = DIR / f"capture-{ns}-{direction}.pcap"
        self.path.unlink(missing_ok=True)
        self.log = DIR / "log" / f"tcpdump-{ns}-{direction}"
        self.running = running(ns, "tcpdump", "-i", "eth0", "-Q", direction, "-U", "--immediate-mode", "-s", "0", "-B", "65536",
                               "-w", self.path, log=self.log, ready=self.listens)

    def listens(self):
        return "listening on" in self.log.read_text()

    def __enter__(self):
        self.running.__enter__()
        return self

    def __exit__(self, *failure):
        self.running.__exit__(*failure)
        assert "0 packets dropped by kernel" in self.log.read_text()

    def until_end(self, marker):
        def there():
            found = captured(self.path)
            at = next((i for i, frame in enumerate(found) if marker in frame), None)
            return None if at is None else (found[:at],)
        return until(there, 15, what=f"the end marker in {self.path}")[0]


@pytest.fixture
def whole_segments():
    """The far ends show segments as they came, not merged ones."""
    for ns in ("client", "server"):
        assert run(ns, "ethtool", "-K", "eth0", "gro", "off").returncode == 0
    yield
    for ns in ("client", "server"):
        run(ns, "ethtool", "-K", "eth0", "gro", "on")


def test_unblocked_traffic_leaves_byte_for_byte_and_in_order(lab, whole_segments):
    client_mac, server_mac = mac_by_ip("client"), mac_by_ip("server")
    frames = odd_frames(client_mac, server_mac)
    there = Ether(src=client_mac, dst=server_mac) / IP(src=CLIENT4, dst=SERVER4) / UDP(sport=9, dport=9) / b"end-of-test-there"
    back = Ether(src=server_mac, dst=client_mac) / IP(src=SERVER4, dst=CLIENT4) / UDP(sport=9, dport=9) / b"end-of-test-back"
    wrpcap(str(DIR / "odd.pcap"), [Raw(f) for f in frames], linktype=1)
    wrpcap(str(DIR / "there.pcap"), there)
    wrpcap(str(DIR / "back.pcap"), back)
    # Going over to the bypass and back may change the order: not here.
    with lab.patient_wire(), Capture("client", "out") as sent, Capture("server", "in") as received, \
            Capture("server", "out") as answered, Capture("client", "in") as returned:
        run("client", "tcpreplay", "-i", "eth0", "--topspeed", DIR / "odd.pcap")
        for name in ("www.allowed.test", "ok.militant.example"):
            run("client", "dig", f"@{SERVER4}", name)
            run("client", "curl", "-sk", "-m", "5", "--resolve", f"{name}:443:{SERVER4}", f"https://{name}/")
        run("client", "bash", "-c", f"curl -s -m 20 http://{SERVER4}/100m | head -c 5000000 >/dev/null")
        run("client", "ping", "-q", "-c", "10", "-i", "0.01", "-s", "1400", SERVER6)
        run("client", "tcpreplay", "-i", "eth0", DIR / "there.pcap")
        run("server", "tcpreplay", "-i", "eth0", DIR / "back.pcap")
        outbound = sent.until_end(b"end-of-test-there"), received.until_end(b"end-of-test-there")
        inbound = answered.until_end(b"end-of-test-back"), returned.until_end(b"end-of-test-back")
    for frame in frames:
        assert frame in outbound[1], frame.hex()
    assert len(outbound[0]) > 100 and len(inbound[0]) > 1000
    assert outbound[0] == outbound[1]
    assert inbound[0] == inbound[1]


# -- never a weapon -------------------------------------------------------------------------------------------------

def blocked_queries(source, count, edns):
    dns = bytes.fromhex("1234 0100 0001 0000 0000 000%d".replace(" ", "") % (1 if edns else 0)) + \
        b"\3www\7blocked\4test\0\0\1\0\1" + (b"\0\0\x29\x10\0\0\0\0\0\0\0" if edns else b"")
    to = IP(src=source, dst=SERVER4) if ":" not in source else IPv6(src=source, dst=SERVER6)
    return [to / UDP(sport=20000 + i, dport=53) / dns for i in range(count)]


def client_hello(name):
    """A ClientHello of openssl's making."""
    import ssl
    context = ssl.create_default_context()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def hellos(source, count):
    to = IP(src=source, dst=SERVER4) if ":" not in source else IPv6(src=source, dst=SERVER6)
    hello = Raw(client_hello("www.blocked.test"))
    return [to / TCP(sport=30000 + i, dport=443, flags="PA", seq=1000, ack=1) / hello for i in range(count)]


def spoof(packets, answers):
    """Sends them from the client's side; (bytes in, bytes that came back to these sources, bytes of resets to the server)."""
    ether = Ether(src=mac_by_ip("client"), dst=mac_by_ip("server"))
    wrpcap(str(DIR / "spoof.pcap"), [ether / packet for packet in packets])
    sources = {packet.src for packet in packets}
    wrpcap(str(DIR / "back.pcap"), Ether(src=mac_by_ip("server"), dst=mac_by_ip("client")) / IP(src=SERVER4, dst=CLIENT4) /
           UDP(sport=9, dport=9) / b"end-of-test-back")
    with Capture("client", "in") as returned:
        run("client", "tcpreplay", "-i", "eth0", "--pps", "2000", DIR / "spoof.pcap")
        before_end = until(lambda: lab_worker_is_idle(answers), 10)
        assert before_end
        run("server", "tcpreplay", "-i", "eth0", DIR / "back.pcap")
        frames = returned.until_end(b"end-of-test-back")
    back = [f for f in map(Ether, frames) if (f.haslayer(IP) and f[IP].dst in sources) or (f.haslayer(IPv6) and f[IPv6].dst in sources)]
    return sum(len(ether / p) for p in packets), sum(map(len, back)), len(back)


def lab_worker_is_idle(lab):
    """Two looks at the counters that agree: everything that was sent has been judged."""
    first = lab.status()["counters"]
    return first == lab.status()["counters"]


@pytest.mark.parametrize("source", ["198.18.7.7", "2001:db8:18::7:7"])
def test_spoofed_subscribers_get_no_more_than_was_sent_in_their_name(lab, source):
    lab.restart_dataplane("--credit", "0:0")
    try:
        for packets in (blocked_queries(source, 300, True), blocked_queries(source, 300, False), hellos(source, 100)):
            sent, back, count = spoof(packets, lab)
            measured(f"{source}: {len(packets)} packets, {sent} bytes in, {back} bytes out in {count} packets")
            assert count > 0
            assert back <= sent
    finally:
        lab.restart_dataplane(*DATAPLANE_OPTIONS)


def test_default_credit_is_all_that_a_spoofed_prefix_gains(lab):
    """docs/interfaces.md --credit: 4096 bytes, and 64 a second, beyond what the prefix sent itself."""
    lab.restart_dataplane()
    try:
        began = time.monotonic()
        sent, back, count = spoof(blocked_queries("198.18.9.9", 500, True), lab)
        measured(f"{sent} bytes in, {back} bytes out in {count} packets")
        assert sent < back <= sent + 4096 + 64 * (time.monotonic() - began)
    finally:
        lab.restart_dataplane(*DATAPLANE_OPTIONS)


@pytest.mark.parametrize("source", ["203.0.113.9", "2001:db8:77::9", "198.19.0.99"])
def test_sources_outside_the_subscribers_prefixes_get_nothing(lab, source):
    for packets in (blocked_queries(source, 50, True), hellos(source, 50)):
        _, back, _ = spoof(packets, lab)
        assert back == 0

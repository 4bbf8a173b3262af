"""Captures in, captures out: no privileges, no network."""
import pathlib
import subprocess

import pytest
from scapy.layers.dns import DNS
from scapy.layers.inet import TCP, UDP
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
from scapy.utils import RawPcapReader, RawPcapWriter

from engine import BIN, BLOCKED, BLOCKED_BELOW, FREE, Engine, make_image
from frames import ether, every_kind, ip, query, tls_hello

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

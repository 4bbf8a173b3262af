"""The engine between namespaces: needs root, veth and XDP."""
import contextlib
import os
import pathlib
import re
import signal
import socket
import stat
import threading
import time

import pytest
from scapy.layers.dns import DNS, DNSQR
from scapy.utils import RawPcapReader

import wire
from engine import BLOCKED, FREE, Engine, make_image, wait_for
from frames import every_kind

FEED = "test.example/engine"
KINDS = ["xdp", "packet"]

if os.geteuid() != 0:
    pytest.exit("SKIP: root (namespaces, XDP)", returncode=77)


@pytest.fixture(scope="module", autouse=True)
def namespaces():
    wire.up()
    yield
    wire.down()


@pytest.fixture
def steer(tmp_path):
    with wire.Wire(tmp_path / "bpf") as attached:
        yield attached


@pytest.fixture
def start(tmp_path):
    """start(kind, arguments…) → engine between client and server; more than one may follow on another."""
    started = []

    def begin(kind, *arguments):
        run_dir = pathlib.Path(tmp_path) / "run"
        run_dir.mkdir(exist_ok=True)
        ports = ["--port", f"subscriber={kind}:eth1", "--port", f"internet={kind}:eth2"]
        started.append(Engine(run_dir, *ports, "--memory-mb", "256", *arguments, namespace=wire.PREFIX + "gateway", wire_dir=tmp_path / "bpf"))
        return started[-1]

    yield begin
    for engine in started:
        engine.__exit__()


@pytest.fixture(params=KINDS)
def kind(request):
    if request.param == "xdp":
        request.getfixturevalue("steer")
    return request.param


def enforcing(image, key):
    return ["--image", image, "--image-key", key, "--mode", "enforce", "--subscribers", "198.18.0.0/16,2001:db8:18::/48"]


def seen(path):
    """Frames of a capture that may still grow."""
    frames = []
    try:
        for frame, _ in RawPcapReader(str(path)):
            frames.append(bytes(frame))
    except (EOFError, OSError):
        pass
    return frames


def test_every_kind_of_frame_arrives_byte_for_byte_and_in_order(kind, start, tmp_path):
    engine = start(kind).until_ready()
    frames = every_kind()
    for up, sender, receiver in ((True, "client", "server"), (False, "server", "client")):
        sent = [frame for is_up, frame in frames if is_up == up]
        capture = wire.Capture(receiver, tmp_path / f"{receiver}.pcap")
        with wire.entered(sender), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
            out.bind(("eth0", 0))
            for frame in sent:
                out.send(frame)
        own = set(sent)
        capture.until(lambda path: len([f for f in seen(path) if f in own]) >= len(sent))
        assert [frame for frame in seen(capture.path) if frame in own] == sent
    assert engine.counters().dropped == 0


def test_fragments_pass(kind, start):
    start(kind).until_ready()
    assert wire.pings(5, size=4000) == 0
    assert wire.pings(5, size=4000, target=wire.SERVER6) == 0


def test_killed_the_kernel_carries_on_and_a_restart_takes_over(steer, start):
    engine = start("xdp").until_ready()
    engine.end(signal.SIGKILL)
    first = os.readlink(engine.run_dir / "counters")
    wait_for(lambda: wire.pings(1) == 0)  # heartbeats may be 100 ms old before the kernel takes over
    assert wire.pings() == 0
    again = start("xdp").until_ready()
    before = steer.counter("steered")
    assert wire.pings() == 0
    assert steer.counter("steered") - before >= 100
    assert os.readlink(again.run_dir / "counters") != first
    assert not (again.run_dir / first).exists()


def test_stopped_the_kernel_carries_on_and_continued_it_takes_over(steer, start):
    engine = start("xdp").until_ready()
    engine.process.send_signal(signal.SIGSTOP)
    wait_for(lambda: wire.pings(1) == 0)
    before = steer.counter("stale")
    assert wire.pings() == 0
    assert steer.counter("stale") - before >= 100
    engine.process.send_signal(signal.SIGCONT)
    wait_for(lambda: engine.telemetry().health()["workers"]["0"]["poll_age_us"] < 50_000)
    before = steer.counter("steered")
    assert wire.pings() == 0
    assert steer.counter("steered") - before >= 100


def test_loss_of_link_passes_through_and_comes_back(kind, start):
    start(kind).until_ready()

    def carrier(name):
        return "LOWER_UP" in wire.in_ns(name, "ip", "-o", "link", "show", "eth0")

    for near, far in (("client", "server"), ("server", "client")):
        wire.in_ns(near, "ip", "link", "set", "eth0", "down")
        wait_for(lambda far=far: not carrier(far))
        wire.in_ns(near, "ip", "link", "set", "eth0", "up")
        wait_for(lambda far=far: carrier(far))
    wire.in_ns("client", "ip", "addr", "replace", f"{wire.CLIENT6}/32", "dev", "eth0", "nodad")  # went with the link
    wire.in_ns("server", "ip", "addr", "replace", f"{wire.SERVER6}/32", "dev", "eth0", "nodad")
    wait_for(lambda: wire.pings(1) == 0)
    assert wire.pings() == 0


def test_a_link_that_was_taken_down_is_given_back_at_the_end(kind, start):
    engine = start(kind).until_ready()
    wire.in_ns("client", "ip", "link", "set", "eth0", "down")
    wait_for(lambda: "LOWER_UP" not in wire.in_ns("server", "ip", "-o", "link", "show", "eth0"))
    assert engine.end() == 0
    wire.in_ns("client", "ip", "link", "set", "eth0", "up")
    wire.in_ns("client", "ip", "addr", "replace", f"{wire.CLIENT6}/32", "dev", "eth0", "nodad")
    wire.in_ns("server", "ip", "addr", "replace", f"{wire.SERVER6}/32", "dev", "eth0", "nodad")
    wait_for(lambda: "LOWER_UP" in wire.in_ns("server", "ip", "-o", "link", "show", "eth0"))


def test_cap_sys_admin_is_gone_from_every_thread(start, steer):
    engine = start("xdp").until_ready()
    for task in pathlib.Path(f"/proc/{engine.process.pid}/task").iterdir():
        status = (task / "status").read_text()
        for capability_set in ("CapEff", "CapPrm", "CapBnd"):
            bits = int(re.search(rf"{capability_set}:\s+(\w+)", status)[1], 16)
            assert bits >> 21 & 1 == 0, f"{task.name} {capability_set}"


def test_telemetry_and_counters_are_open_to_the_group_alone(start, steer):
    engine = start("xdp", "--group", "4321").until_ready()
    for name, mode in (("dpdk", 0o750), ("dpdk/sluice", 0o750), ("dpdk/sluice/dpdk_telemetry.v2", 0o660), ("counters", 0o640)):
        status = (engine.run_dir / name).stat()
        assert (stat.S_IMODE(status.st_mode), status.st_gid) == (mode, 4321), name


def test_an_idle_gateway_costs_next_to_no_cpu(kind, start):
    engine = start(kind).until_ready()

    def ticks():
        fields = pathlib.Path(f"/proc/{engine.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    before = ticks()
    time.sleep(2)
    assert ticks() - before < 0.2 * 2 * os.sysconf("SC_CLK_TCK")


def test_without_a_steer_program_it_does_not_start(start):
    engine = start("xdp")
    assert engine.process.wait(timeout=20) == 1
    assert "sluice-wire attach" in engine.log


def test_fewer_or_more_channels_than_workers_is_refused(start, steer):
    engine = start("xdp", "--workers", "2")
    assert engine.process.wait(timeout=20) == 1
    assert "1 receive channels, but 2 workers" in engine.log


@pytest.mark.parametrize("kind_of_port", KINDS)
def test_an_mtu_beyond_the_frames_of_the_port_is_refused(kind_of_port, start):
    wire.in_ns("gateway", "ip", "link", "set", "eth1", "mtu", "9000")
    try:
        engine = start(kind_of_port)
        assert engine.process.wait(timeout=20) == 1
        assert "MTU 9000 is over" in engine.log
    finally:
        wire.in_ns("gateway", "ip", "link", "set", "eth1", "mtu", "1500")


class Answering(threading.Thread):
    """A DNS server in the server's namespace: NOERROR with AA set for everything, for the length of a with block."""

    def __init__(self):
        super().__init__(daemon=True)
        with wire.entered("server"):
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((wire.SERVER4, 53))
        self.socket.settimeout(0.1)
        self.ended = False

    def run(self):
        while not self.ended:
            try:
                data, peer = self.socket.recvfrom(2048)
            except TimeoutError:
                continue
            self.socket.sendto(data[:2] + b"\x85\x80" + data[4:], peer)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended = True
        self.join()
        self.socket.close()


def asked(name, ident):
    return bytes(DNS(id=ident, rd=1, qd=DNSQR(qname=name)))


class Asking(threading.Thread):
    """Asks from the client's namespace, one query after the other, every third for the blocked name."""

    def __init__(self):
        super().__init__(daemon=True)
        with wire.entered("client"):
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(2)
        self.blocked = self.free = self.lost = 0
        self.wrong = []
        self.ended = False

    def run(self):
        ident = 0
        while not self.ended:
            ident = (ident + 1) & 0xFFFF
            name = BLOCKED if ident % 3 == 0 else FREE
            self.socket.sendto(asked(name, ident), (wire.SERVER4, 53))
            try:
                answer = self.socket.recv(2048)
            except TimeoutError:
                self.lost += 1
                continue
            from_server = answer[2] & 4 != 0  # AA: the gateway answers without
            if answer[:2] != ident.to_bytes(2, "big") or from_server == (name == BLOCKED):
                self.wrong.append((name, answer.hex()))
            if name == BLOCKED:
                self.blocked += 1
            else:
                self.free += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended = True
        self.join()
        self.socket.close()


def test_a_graceful_stop_and_a_start_lose_nothing_on_xdp_ports(steer, start):
    with Answering(), Asking() as client:
        for _ in range(3):
            engine = start("xdp").until_ready()
            before = steer.counter("steered")
            wait_for(lambda before=before: steer.counter("steered") - before > 500)
            assert engine.end() == 0
    assert client.lost == 0
    assert client.free > 500


def test_two_hundred_swaps_good_and_bad_under_load_lose_nothing_and_count_exactly(kind, start, tmp_path):
    good, key = make_image(tmp_path, "good", orders=(f"TEST-1={BLOCKED}",))
    other, _ = make_image(tmp_path, "other", orders=("TEST-0=unrelated.example", f"TEST-1={BLOCKED},more.example"))
    foreign, _ = make_image(tmp_path, "foreign", seed=2)
    whole = good.read_bytes()
    (tmp_path / "short.img").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "flipped.img").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    (tmp_path / "empty.img").write_bytes(b"")
    bad = {foreign: "bad-signature", tmp_path / "short.img": "truncated", tmp_path / "empty.img": "truncated",
           tmp_path / "flipped.img": "bad-hash", tmp_path / "none.img": "unreadable", tmp_path: "unreadable"}

    engine = start(kind, *enforcing(good, key)).until_ready()
    telemetry = engine.telemetry()
    hashes = {}
    with Answering(), Asking() as client:
        for i in range(100):
            image = (good, other)[i % 2]
            answer = telemetry.load(image)
            assert answer["ok"] == 1, answer
            hashes[image] = answer["sha256"]
            path, error = list(bad.items())[i % len(bad)]
            assert telemetry.load(path) == {"ok": 0, "error": error}, path
            health = telemetry.health()
            assert health["image"]["sha256"] == hashes[image]
            assert (health["waiting_release"], health["last_error"]) == (0, error)
            asked_before = client.free + client.blocked
            wait_for(lambda asked_before=asked_before: client.free + client.blocked > asked_before + 6)
    assert client.lost == 0 and not client.wrong, client.wrong
    assert client.blocked >= 200
    assert hashes[good] != hashes[other]
    assert engine.counters().order(FEED, "TEST-1") == (client.blocked, 0)
    health = telemetry.health()
    assert (health["loads"], health["rejected"]) == (101, 100)
    assert all(port["imissed"] == port["rx_nombuf"] == port["tx_drop"] == 0 for port in health["ports"].values())


@pytest.mark.parametrize("kind_of_port", KINDS)
def test_two_workers_share_the_flows_and_both_enforce(kind_of_port, start, tmp_path):
    image, key = make_image(tmp_path, "rules")
    wire.up(queues=2)
    try:
        with wire.Wire(tmp_path / "bpf") if kind_of_port == "xdp" else contextlib.nullcontext():
            engine = start(kind_of_port, "--workers", "2", *enforcing(image, key)).until_ready()
            with Answering():
                for port in range(40_000, 40_064):
                    ask_both_names(port)
            assert engine.counters().order(FEED, "TEST-1") == (64, 0)
            assert all(values[0] > 0 for values in engine.counters().values), "one worker received nothing from subscribers"
            assert engine.end() == 0
    finally:
        wire.up()


def ask_both_names(port):
    """From that port: the gateway answers the one, the server the other."""
    with wire.entered("client"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind((wire.CLIENT4, port))
        client.settimeout(2)
        for name in (BLOCKED, FREE):
            client.sendto(asked(name, port), (wire.SERVER4, 53))
            assert (client.recv(2048)[2] & 4 == 0) == (name == BLOCKED)


def test_a_packet_port_behind_a_steer_program_is_refused(start, steer):
    engine = start("packet")  # it would receive nothing: the program forwards before AF_PACKET
    assert engine.process.wait(timeout=20) == 1
    assert "sluice-wire is attached" in engine.log


def test_what_happens_to_the_file_after_the_load_does_not_matter(start, steer, tmp_path):
    image, key = make_image(tmp_path, "rules")
    engine = start("xdp", *enforcing(image, key)).until_ready()
    before = engine.telemetry().health()["image"]
    image.write_bytes(b"")
    with Answering(), wire.entered("client"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(2)
        client.sendto(asked(BLOCKED, 7), (wire.SERVER4, 53))
        assert client.recv(2048)[2] & 4 == 0
    assert engine.telemetry().health()["image"] == before


def test_a_second_run_on_the_same_folder_is_refused(start, steer):
    engine = start("xdp").until_ready()
    second = start("xdp")
    assert second.process.wait(timeout=20) == 1
    assert engine.process.poll() is None
    assert wire.pings(10) == 0

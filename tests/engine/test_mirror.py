"""Mirror mode on the wire: client — bridge — server carry the traffic, tc copies it to the engine, answers come in from its injection port."""
import http.server
import json
import os
import pathlib
import select
import socket
import ssl
import subprocess
import threading

import pytest
from scapy.layers.dns import DNS
from scapy.layers.inet import TCP, UDP
from scapy.layers.l2 import Ether
from scapy.utils import RawPcapReader

import wire
from engine import BLOCKED, FREE, Engine, make_image, wait_for

FEED = "test.example/engine"

if os.geteuid() != 0:
    pytest.exit("SKIP: root (namespaces, XDP)", returncode=77)


def mac(name, interface="eth0"):
    return json.loads(wire.in_ns(name, "ip", "-j", "link", "show", interface))[0]["address"]


@pytest.fixture(scope="module", autouse=True)
def network():
    """eth1 and eth2 of the gateway on a bridge; what comes in on either is copied to copy1; inject1's other end is on the bridge."""
    wire.up()
    gateway = [*wire.inside("gateway"), "sh", "-ec"]
    wire.sh(*gateway, """
        ip link add br0 type bridge mcast_snooping 0
        ip link add copy0 type veth peer name copy1
        ip link add inject0 type veth peer name inject1
        for port in eth1 eth2 inject0; do ip link set $port master br0; done
        for port in br0 copy0 copy1 inject0 inject1; do
          sysctl -qw net.ipv6.conf.$port.disable_ipv6=1
          ip link set $port mtu 1500 up
        done
        for port in eth1 eth2; do
          tc qdisc add dev $port clsact
          tc filter add dev $port ingress protocol all u32 match u32 0 0 action mirred egress mirror dev copy0
        done""")
    yield
    wire.down()


@pytest.fixture(params=["xdp", "packet"])
def engine(request, tmp_path):
    """A data plane that reads copies on copy1 and answers on inject1."""
    image, key = make_image(tmp_path, "rules")
    pins = tmp_path / "bpf"
    if request.param == "xdp":
        wire.in_ns("gateway", wire.BIN / "sluice-wire", "attach", "--dir", pins, "--mirror", "copy1")
    run_dir = pathlib.Path(tmp_path) / "run"
    run_dir.mkdir()
    try:
        with Engine(run_dir, "--port", f"mirror={request.param}:copy1", "--port", "inject=packet:inject1", "--mode", "enforce",
                    "--next-hop", f"subscriber={mac('client')}", "--next-hop", f"internet={mac('server')}", "--image", image,
                    "--image-key", key, "--subscribers", f"{wire.CLIENT4},{wire.CLIENT6}", "--memory-mb", "256",
                    namespace=wire.PREFIX + "gateway", wire_dir=pins) as running:
            yield running.until_ready()
    finally:
        if request.param == "xdp":
            wire.in_ns("gateway", wire.BIN / "sluice-wire", "detach", "--dir", pins)


class Server:
    """DNS, HTTP and HTTPS in the server's namespace. For a blocked name it waits until the client's connection breaks."""

    def __init__(self, folder):
        wire.sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=test",
                "-keyout", folder / "tls.key", "-out", folder / "tls.crt")
        with wire.entered("server"):
            self.dns = [socket.socket(family, socket.SOCK_DGRAM) for family in (socket.AF_INET, socket.AF_INET6)]
            self.dns[0].bind((wire.SERVER4, 53))
            self.dns[1].bind((wire.SERVER6, 53))
            self.web = [http.server.ThreadingHTTPServer((wire.SERVER4, port), self.handler()) for port in (80, 443)]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
        context.sni_callback = lambda stream, name, _: self.wait_for_end(stream, name)
        self.web[1].socket = context.wrap_socket(self.web[1].socket, server_side=True, do_handshake_on_connect=False)
        self.ended = False

    @staticmethod
    def wait_for_end(stream, name):
        if name == BLOCKED:
            select.select([stream], [], [], 30)

    def handler(self):
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                server.wait_for_end(self.connection, self.headers["Host"])
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def handle(self):
                try:
                    super().handle()
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        return Handler

    def serve_dns(self):
        while not self.ended:
            for ready in select.select(self.dns, [], [], 0.1)[0]:
                data, peer = ready.recvfrom(2048)
                if BLOCKED.split(".")[0].encode() not in data:
                    ready.sendto(data[:2] + b"\x85\x80" + data[4:], peer)

    def __enter__(self):
        self.threads = [threading.Thread(target=self.serve_dns)]
        self.threads += [threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.05}) for web in self.web]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended = True
        for web in self.web:
            web.shutdown()
        for thread in self.threads:
            thread.join()
        for opened in self.dns + self.web:
            (opened.close if isinstance(opened, socket.socket) else opened.server_close)()


def client(*words):
    done = subprocess.run([*wire.inside("client"), *words], capture_output=True, text=True, timeout=20)
    return done.returncode, done.stdout + done.stderr


def dig(name, *more):
    return client("dig", "+tries=1", "+time=3", "+noedns", name, "A", *more)


def curl(scheme, name):
    port = 443 if scheme == "https" else 80
    return client("curl", "-sk", "--noproxy", "*", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", "--resolve",
                  f"{name}:{port}:{wire.SERVER4}", f"{scheme}://{name}/")


def frames(path):
    try:
        return [Ether(frame) for frame, _ in RawPcapReader(str(path))]
    except (EOFError, OSError):
        return []


def test_real_clients_are_answered_from_the_injection_port_and_no_copy_is_forwarded(engine, tmp_path):
    own = mac("gateway", "inject1")
    injected = wire.Capture("gateway", tmp_path / "injected.pcap", "inject0")
    mirrored = wire.Capture("gateway", tmp_path / "mirrored.pcap", "copy0")
    with Server(tmp_path):
        for target in (wire.SERVER4, wire.SERVER6):
            code, text = dig(BLOCKED, f"@{target}")
            assert code == 0 and "NOERROR" in text and "flags: qr rd ra" in text, text
            code, text = dig(FREE, f"@{target}")
            assert code == 0 and "flags: qr aa" in text, text
        assert curl("http", FREE) == (0, "200")
        assert curl("https", FREE) == (0, "200")
        assert curl("http", BLOCKED) == (0, "451")
        code, text = curl("https", BLOCKED)
        assert code in (35, 56), text  # connection reset
        wait_for(lambda: "ESTAB" not in wire.in_ns("server", "ss", "-tn"))  # the server was reset, too
    counters = engine.counters()
    blocked, _ = counters.order(FEED, "TEST-1")
    assert blocked >= 4
    assert counters.dropped == 0
    replies = counters.side("reply_pkts")
    injected.until(lambda path: len(frames(path)) >= sum(replies))
    mirrored.until(lambda _: True)
    sent = frames(injected.path)
    assert len(sent) == sum(replies) == sum(counters.side("tx_pkts"))
    assert {frame.src for frame in sent} == {own}
    assert {frame.dst for frame in sent} == {mac("client"), mac("server")}
    assert all(frame[DNS].qr == 1 if UDP in frame else frame[TCP].flags & 5 for frame in sent)
    assert not frames(mirrored.path), "something was sent on the mirror port"
    received = counters.side("rx_pkts")
    assert received[0] > 0 and received[1] > 0


def test_a_port_of_an_inline_pair_is_no_mirror_port(tmp_path):
    pins = tmp_path / "bpf"
    with wire.Wire(pins):
        run_dir = tmp_path / "run"
        run_dir.mkdir()
        with Engine(run_dir, "--port", "mirror=xdp:eth1", "--subscribers", "198.18.0.0/16", "--memory-mb", "256",
                    namespace=wire.PREFIX + "gateway", wire_dir=pins) as engine:
            assert engine.process.wait(timeout=20) == 1
            assert "attach it with --mirror" in engine.log

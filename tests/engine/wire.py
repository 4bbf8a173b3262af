"""Three namespaces of our own: client eth0 — eth1 gateway eth2 — server eth0, bridged by the engine alone."""
import contextlib
import ctypes
import json
import os
import pathlib
import subprocess

from engine import BIN, wait_for

PREFIX = os.environ.get("SLUICE_TEST_PREFIX", "sluice-engine-")
CLIENT4, SERVER4, CLIENT6, SERVER6 = "198.18.0.10", "198.19.0.1", "2001:db8:18::10", "2001:db8:19::1"
CLONE_NEWNET = 0x40000000


def sh(*words, **options):
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True, **options).stdout


def inside(name):
    return ["nsenter", f"--net=/run/netns/{PREFIX}{name}", "--"]


def in_ns(name, *words, **options):
    return sh(*inside(name), *words, **options)


@contextlib.contextmanager
def entered(name):
    """This thread is in that namespace meanwhile: sockets made here stay there."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{PREFIX}{name}") as there:
        assert libc.setns(there.fileno(), CLONE_NEWNET) == 0
        try:
            yield
        finally:
            assert libc.setns(home.fileno(), CLONE_NEWNET) == 0


def cable(name, port, queues, mtu):
    count = ["numrxqueues", str(queues), "numtxqueues", str(queues)]
    sh("ip", "link", "add", "name", "eth0", "netns", PREFIX + name, *count, "type", "veth", "peer", "name", port, "netns",
       PREFIX + "gateway", *count)
    in_ns("gateway", "sysctl", "-qw", f"net.ipv6.conf.{port}.disable_ipv6=1")
    for where, link in ((name, "eth0"), ("gateway", port)):
        in_ns(where, "ethtool", "-K", link, "tx", "off", "rx", "off", "tso", "off", "gso", "off", "txvlan", "off", "gro", "on")
        in_ns(where, "ip", "link", "set", link, "mtu", mtu, "addrgenmode", "none", "up")


def down():
    for name in ("client", "gateway", "server"):
        if os.path.exists(f"/run/netns/{PREFIX}{name}"):
            for pid in sh("ip", "netns", "pids", PREFIX + name).split():
                os.kill(int(pid), 9)
            sh("ip", "netns", "del", PREFIX + name)


def up(queues=1, mtu=1500):
    down()
    for name in ("client", "gateway", "server"):
        sh("ip", "netns", "add", PREFIX + name)
        in_ns(name, "ip", "link", "set", "lo", "up")
    cable("client", "eth1", queues, mtu)
    cable("server", "eth2", queues, mtu)
    for name, v4, v6 in (("client", CLIENT4, CLIENT6), ("server", SERVER4, SERVER6)):
        in_ns(name, "ip", "addr", "add", f"{v4}/15", "dev", "eth0")
        in_ns(name, "ip", "addr", "add", f"{v6}/32", "dev", "eth0", "nodad")


class Wire:
    """sluice-wire on the pair of the gateway."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)

    def __enter__(self):
        in_ns("gateway", BIN / "sluice-wire", "attach", "--dir", self.directory, "--pair", "eth1:eth2")
        return self

    def __exit__(self, *_):
        in_ns("gateway", BIN / "sluice-wire", "detach", "--dir", self.directory)

    def counter(self, name):
        """Packets of both interfaces under that counter of the steer program."""
        status = json.loads(in_ns("gateway", BIN / "sluice-wire", "status", "--dir", self.directory, "--json"))
        return sum(interface["counters"][name]["packets"] for interface in status["interfaces"])


def pings(count=50, interval=0.01, target=SERVER4, size=56):
    """Lost pings of so many."""
    done = subprocess.run([*inside("client"), "ping", "-q", "-c", str(count), "-i", str(interval), "-W", "2", "-s", str(size), target],
                          capture_output=True, text=True)
    received = [part for part in done.stdout.split(", ") if "received" in part]
    assert received, done.stdout + done.stderr
    return count - int(received[0].split()[0])


class Capture:
    """tcpdump of what arrives at an interface of a namespace."""

    def __init__(self, name, path, interface="eth0"):
        self.path = path
        self.process = subprocess.Popen([*inside(name), "tcpdump", "-i", interface, "-Q", "in", "-U", "-n", "-s", "0", "-w", path],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        assert "listening" in self.process.stderr.readline()

    def until(self, enough):
        """Ends once `enough(bytes of the file)`."""
        try:
            wait_for(lambda: enough(self.path))
        finally:
            self.process.terminate()
            self.process.wait()

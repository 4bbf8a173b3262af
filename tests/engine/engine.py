"""Runs sluice-dataplane and asks it: shared by the tests of this folder."""
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import time

BIN = pathlib.Path(os.environ["SLUICE_BIN"])
MAKE_IMAGE = os.environ["SLUICE_MAKE_IMAGE"]
BLOCKED, BLOCKED_BELOW, FREE = "blocked.example", "www.blocked.example", "free.example"


def make_image(folder, name, seed=1, orders=(f"TEST-1={BLOCKED}",)):
    """An image and the key it is signed with: (image, key)."""
    image, key = folder / f"{name}.img", folder / f"{name}.pub"
    subprocess.run([MAKE_IMAGE, image, key, str(seed), *orders], check=True)
    return image, key


class Telemetry:
    """One client of DPDK's telemetry socket."""

    def __init__(self, run_dir):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(20)
        self.socket.connect(str(run_dir / "dpdk/sluice/dpdk_telemetry.v2"))
        self.socket.recv(1024)

    def ask(self, command):
        self.socket.send(command.encode())
        return json.loads(self.socket.recv(16384))[command.split(",")[0]]

    def health(self):
        return self.ask("/sluice/health")

    def load(self, path):
        return self.ask(f"/sluice/load,{path}")


class Counters:
    """The counter file, read as dataplane/filter/counters.h lays it out."""

    ORDER_SLOTS, CAUSES = 16384, 128
    NAMES = ["rx_pkts", "rx_bytes", "tx_pkts", "tx_bytes", "reply_pkts", "reply_bytes"]

    def __init__(self, run_dir):
        data = (run_dir / "counters").read_bytes()
        assert data[:8] == b"SLCNTR02"
        self.workers, slots, _, header = struct.unpack_from("<IIII", data, 8)
        assert slots == self.ORDER_SLOTS
        used = struct.unpack_from("<I", data, 40)[0]
        self.slots = {}
        for slot in range(used):
            feed, order = struct.unpack_from("128s64s", data, header + 192 * slot)
            self.slots[(feed.split(b"\0")[0].decode(), order.split(b"\0")[0].decode())] = slot
        at = header + 192 * slots
        size = (len(data) - at) // self.workers
        self.values = [struct.unpack_from(f"<{size // 8}Q", data, at + i * size) for i in range(self.workers)]

    def _sum(self, index):
        return sum(values[index] for values in self.values)

    def side(self, name):
        """(subscriber, internet) of a counter that is kept by side."""
        at = 2 * self.NAMES.index(name)
        return self._sum(at), self._sum(at + 1)

    @property
    def dropped(self):
        return self._sum(12)

    def cause(self, index):
        return self._sum(12 + 1 + 4 + 4 + 4 + 3 + index)

    def order(self, feed, order):
        """(blocked, observed) packets under an order."""
        at = 12 + 1 + 4 + 4 + 4 + 3 + self.CAUSES + 2 * self.slots[(feed, order)]
        return self._sum(at), self._sum(at + 1)


class Engine:
    """A sluice-dataplane that runs; ended and waited for by the end of the with block."""

    def __init__(self, run_dir, *arguments, namespace=None, wire_dir=None):
        self.run_dir = run_dir
        enter = ["nsenter", f"--net=/run/netns/{namespace}", "--"] if namespace else []
        where = ["--run-dir", run_dir] + (["--wire-dir", wire_dir] if wire_dir else [])
        self.log_path = run_dir / "engine.log"
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([*enter, BIN / "sluice-dataplane", *where, *arguments], stdout=log, stderr=log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait()

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    def until_ready(self, seconds=20):
        wait_for(lambda: "ready" in self.log.splitlines() or self.process.poll() is not None, seconds)
        assert self.process.poll() is None, self.log
        return self

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(timeout=20)

    def telemetry(self):
        return Telemetry(self.run_dir)

    def counters(self):
        return Counters(self.run_dir)


def wait_for(condition, seconds=10):
    """Polls until the condition holds; fails when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.01)

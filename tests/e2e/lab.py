"""The lab of scripts/lab as the tests see it: namespaces, servers, programs, orders, and what clients say."""
import contextlib
import dataclasses
import datetime
import json
import os
import pathlib
import re
import select
import shlex
import signal
import socket
import subprocess
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
PREFIX = os.environ.get("lab_prefix", "sluice-e2e-")
DIR = pathlib.Path("/run/sluice-lab") / PREFIX.rstrip("-")
BIN = pathlib.Path(os.environ.get("SLUICE_BIN", TOP / "build/release/bin"))
FEED = "pta.example/terror"
CLIENT4, CLIENT6 = "198.18.0.10", "2001:db8:18::10"
SERVER4, SERVER6 = "198.19.0.1", "2001:db8:19::1"
SERVERS = {4: SERVER4, 6: SERVER6}
WAY_BACK_VNI = 5  # the VXLAN tunnel between client and server that answers may go back through
DATAPLANE_OPTIONS = ("--credit", "65536:65536", "--way-back", f"vxlan,from={CLIENT4},to={SERVER4},in={WAY_BACK_VNI}")


MEASURED = []  # one line each; shown at the end of the run


def measured(text):
    MEASURED.append(f"{os.environ['PYTEST_CURRENT_TEST'].split(' ')[0].removeprefix('tests/e2e/')}: {text}")


def shell(script, check=True, timeout=120):
    """Runs bash with the functions of scripts/lab at hand."""
    done = subprocess.run(
        ["bash", "-c", "set -euo pipefail; . scripts/lab/all.bash; " + script], cwd=TOP, timeout=timeout,
        env={**os.environ, "lab_prefix": PREFIX}, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if check and done.returncode != 0:
        raise AssertionError(f"{script}\nexit {done.returncode}\n{done.stdout}\n{done.stderr}\n{logs()}")
    return done


def logs(lines=15):
    """Tails of every log, for messages."""
    texts = []
    for path in sorted((DIR / "log").glob("*")):
        tail = path.read_text(errors="replace").splitlines()[-lines:]
        texts.append(f"-- {path}\n" + "\n".join(tail))
    return "\n".join(texts)


def in_ns(ns, *command):
    return ["nsenter", f"--net=/run/netns/{PREFIX}{ns}", "--", *map(str, command)]


def run(ns, *command, timeout=30, **options):
    return subprocess.run(in_ns(ns, *command), timeout=timeout, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, **options)


@contextlib.contextmanager
def running(ns, *command, log, ready=None, timeout=15, stop=signal.SIGTERM):
    """A process for the length of a block, that writes to the file `log`; `ready` is called until it is true."""
    with open(log, "w") as out:
        process = subprocess.Popen(in_ns(ns, *command), stdin=subprocess.DEVNULL, start_new_session=True, stdout=out, stderr=out)
    try:
        if ready:
            until(ready, timeout, alive=process)
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(stop)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def until(true, seconds, alive=None, what=None):
    """Polls every 20 ms, at most `seconds`; gives what `true` gave."""
    end = time.monotonic() + seconds
    while True:
        got = true()
        if got:
            return got
        if alive is not None and alive.poll() is not None:
            raise AssertionError(f"ended with {alive.returncode} before it was ready")
        if time.monotonic() > end:
            raise AssertionError(f"not in {seconds} s: {what or true}\n{logs()}")
        select.select([], [], [], 0.02)


# -- orders and bundles ---------------------------------------------------------------------------------------------

def order(number, targets, action="block", methods=None, qtypes=None, since=-1, days=30):
    """One order as YAML. `since`: days from now when it takes effect; `days`: how long it holds."""
    now = datetime.datetime.now(datetime.timezone.utc)
    start = now + datetime.timedelta(days=since)
    end = start + datetime.timedelta(days=days)
    lines = [f"  - id: E2E-{number:05d}", f'    number: "{number}/2026"', f"    action: {action}", "    targets:"]
    for target in targets:
        kind, text = target.split(":", 1)
        lines.append(f"      - {{pattern: '{text}'}}" if kind == "pattern" else f"      - {{name: {text}, scope: {kind}}}")
    if methods:
        lines.append(f"    methods: [{', '.join(methods)}]")
    if qtypes:
        lines.append(f"    qtypes: {qtypes}")
    lines += [f"    effective: {start:%Y-%m-%dT%H:%M:%SZ}", f"    expires: {end:%Y-%m-%dT%H:%M:%SZ}"]
    return "\n".join(lines)


HEAD = f"""schema: sluice/orders/1
feed: {FEED}
defaults:
  authority: End-to-end Test Authority
  basis: {{law: "Test Act, section 1"}}
  reason: {{en: "Blocked by order of the tests"}}
  appeal: {{url: "https://appeals.test/", email: appeals@appeals.test}}
orders:
"""

BASE = [
    (1, dict(targets=["subtree:militant.example"])),
    (2, dict(targets=["exact:www.blocked.test"])),
    (3, dict(targets=[r"pattern:mirror[0-9]{1,3}\.example\.(com|net)"])),
    (4, dict(targets=["exact:dns-only.blocked.test"], methods=["dns"])),
    (5, dict(targets=["exact:sni-only.blocked.test"], methods=["sni"])),
    (6, dict(targets=["exact:all-types.blocked.test"], qtypes="all")),
    (7, dict(targets=["exact:ok.militant.example"], action="allow")),
    (8, dict(targets=["exact:future.blocked.test"], since=10)),
    (9, dict(targets=["exact:http-only.blocked.test"], methods=["http"])),
    (10, dict(targets=["exact:quic-only.blocked.test"], methods=["quic"])),
]
# Names that the web server has a certificate for.
NAMES = ["militant.example", "deep.www.militant.example", "ok.militant.example", "www.blocked.test", "sub.www.blocked.test",
         "blocked.test", "mirror7.example.com", "mirror123.example.net", "mirror1234.example.com", "dns-only.blocked.test",
         "sni-only.blocked.test", "all-types.blocked.test", "future.blocked.test", "http-only.blocked.test", "quic-only.blocked.test", "www.allowed.test",
         "notmilitant.example", "swap.blocked.test"]


@dataclasses.dataclass
class Answer:
    status: str
    flags: list
    records: list  # (owner, ttl, type, data) of the answer section
    authority: list
    ede: str
    edns: bool
    text: str

    @property
    def blocked(self):
        return self.status == "NOERROR" and not self.records and any(r[2] == "SOA" for r in self.authority)


def dig(name, qtype="A", family=4, *options, ns="client", server=None, timeout=3):
    """dig's answer; None where none came."""
    done = run(ns, "dig", f"@{server or SERVERS[family]}", name, qtype, f"+time={timeout}", "+tries=1", *options)
    text = done.stdout
    head = re.search(r"status: (\w+), id", text)
    if not head:
        return None
    flags = re.search(r"flags: ([\w ]*);", text).group(1).split()
    sections, section = {}, None
    for line in text.splitlines():
        if started := re.match(r";; (\w+) (PSEUDO)?SECTION:", line):
            section = started.group(1)
        elif line and not line.startswith(";") and section:
            owner, ttl, _, rtype, data = line.split(None, 4)
            sections.setdefault(section, []).append((owner, int(ttl), rtype, data))
    ede = re.search(r"^; EDE: (.*)$", text, re.M)
    return Answer(head.group(1), flags, sections.get("ANSWER", []), sections.get("AUTHORITY", []),
                  ede.group(1) if ede else "", "OPT PSEUDOSECTION" in text, text)


def curl(url, family=4, *options, name=None, timeout=5, ns="client"):
    """(exit code of curl, status, body) of a URL whose host is taken to be the lab's server."""
    host, port = re.match(r"https?://([^/:]+)(?::(\d+))?", url).groups()
    port = port or ("443" if url.startswith("https") else "80")
    at = SERVERS[family] if family == 4 else f"[{SERVERS[family]}]"
    done = run(ns, "curl", "-s", "-m", timeout, "--cacert", DIR / "web/ca.crt", "--resolve", f"{name or host}:{port}:{at}",
               "-w", "\n%{http_code}", *options, url, timeout=timeout + 5)
    body, _, status = done.stdout.rpartition("\n")
    return done.returncode, int(status or 0), body


CURL_RESET = (35, 52, 56)


class Lab:
    """Made once per run."""

    def __init__(self):
        self.seq = 0

    def up(self):
        shell("lab_down; lab_net_up; lab_servers_up " + " ".join(map(shlex.quote, NAMES)) +
              f"; lab_install {shlex.quote(str(BIN))}; lab_dataplane_options=({' '.join(DATAPLANE_OPTIONS)}); lab_gateway_up")
        self.publish(BASE)

    def down(self):
        shell("lab_down", check=False)

    def write_orders(self, orders, file=None):
        path = file or DIR / "authority/orders.yaml"
        path.write_text(HEAD + "\n".join(order(number, **fields) for number, fields in orders) + "\n")
        return path

    def bundle(self, orders, seq=None):
        """Signed by both parties; the path."""
        if seq is None:
            self.seq += 1
            seq = self.seq
        return pathlib.Path(shell(f"lab_bundle {seq} {self.write_orders(orders)}").stdout.strip().splitlines()[-1])

    def deliver(self, bundle):
        """With as many signatures as it has."""
        shell(f"lab_deliver {bundle}")

    def publish(self, orders):
        """Orders → bundle → inbox → enforced."""
        self.deliver(self.bundle(orders))
        shell(f"lab_until 20 lab_enforced {self.seq}")

    def restart_dataplane(self, *options):
        shell(f"lab_stop dataplane; lab_dataplane_options=({' '.join(options)}); lab_start_dataplane")
        shell(f"lab_until 20 lab_enforced {self.seq}")

    @contextlib.contextmanager
    def patient_wire(self):
        """A worker that a busy machine does not run for 100 ms is bypassed, as it should be, and then nothing is blocked.
        Where verdicts are judged, the limit is one that no scheduler reaches (test_death.py is about the real one)."""
        attach = 'lab_wire attach "${lab_pairs[@]}" --group "$lab_gid"'
        shell(attach + " --max-age-ms 10000")
        try:
            yield
        finally:
            shell(attach)

    def pid(self, name):
        done = shell(f"lab_pid {name}", check=False)
        return int(done.stdout) if done.returncode == 0 else None

    def ctl(self, *arguments, check=True):
        done = subprocess.run([DIR / "bin/sluicectl", *map(str, arguments), "--socket", DIR / "run/sluiced.sock", "--json"],
                              capture_output=True, text=True, timeout=30)
        if check:
            assert done.returncode == 0, f"sluicectl {arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}\n{logs()}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    def status(self):
        return self.ctl("status")

    def alarms(self):
        return {alarm["code"] for alarm in self.status()["alarms"]}

    def telemetry(self, command, timeout=10):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.settimeout(timeout)
            s.connect(str(DIR / "run/dpdk/sluice/dpdk_telemetry.v2"))
            s.recv(1024)
            s.send(command.encode())
            return json.loads(s.recv(1 << 16))[command.split(",")[0]]

    def health(self):
        return self.telemetry("/sluice/health")

    def drops(self):
        """Every packet that a port lost: receive queue full, no buffer, transmit ring full."""
        return {f"{port['name']}.{key}": port[key] for port in self.health()["ports"].values()
                for key in ("imissed", "rx_nombuf", "tx_drop")}

    def hits(self):
        """Packets blocked so far, per order id."""
        return {o["id"]: o["blocked"] for o in self.ctl("orders")["orders"]}

"""A gateway without a data plane: sluiced and sluice-compile as two users of one group, and an authority of two keys."""
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

BIN = pathlib.Path(os.environ["SLUICE_BIN"])
FEED = "pta.example/terror"
GID, SLUICED, COMPILE, OTHER = 64300, 64301, 64302, 64303  # numeric: nothing is added to the system's users
BOTH = ("requester", "independent")

ORDERS = """schema: sluice/orders/1
feed: %s
defaults:
  authority: National Cyber Crime Investigation Agency
  basis: {law: "Example Act 2016, section 37"}
  reason: {en: "Blocked by order"}
  appeal: {url: "https://appeals.example.pk/"}
orders:
  - id: NCCIA-2026-00481
    number: "481/2026"
    action: block
    targets:
%s
    effective: %s
    expires: %s
"""


def stamp(days):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + days * 86400))


def until(check, seconds=15, what="it"):
    """Waits for a true value, as a client that polls would; the test fails where it never comes."""
    end = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        assert time.monotonic() < end, f"{what} did not come within {seconds} s"
        time.sleep(0.05)


class Gateway:
    def __init__(self, telemetry=False, limits=None, feed_keys=""):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="sluice-control-"))
        self.processes = {}
        self.seq = 0
        os.chmod(self.dir, 0o755)
        for name, mode, uid in (("etc", 0o755, 0), ("authority", 0o755, 0), ("run", 0o3770, 0),
                                ("state", 0o2770, SLUICED), ("state/inbox", 0o2770, SLUICED),
                                ("state/images", 0o2770, COMPILE), ("compile", 0o700, COMPILE)):
            (self.dir / name).mkdir()
            os.chown(self.dir / name, uid, GID)
            os.chmod(self.dir / name, mode)
        shutil.copytree(BIN, self.dir / "bin", ignore=lambda d, names: [n for n in names if n not in PROGRAMS])
        for party in BOTH:
            self.ctl("keygen", "--out", self.dir / "authority" / party)
        self.ctl("root", "--feed", FEED, "--out", self.dir / "etc/root.json",
                 *[f"--key={p}:{self.dir}/authority/{p}.pub:The {p}" for p in BOTH])
        self.as_user(COMPILE, "sluice-compile", "--new-key", self.dir / "compile/image.key", "--public",
                     self.dir / "compile/image.pub")
        shutil.copy(self.dir / "compile/image.pub", self.dir / "etc/image.pub")
        os.chmod(self.dir / "etc/image.pub", 0o644)
        self.config = self.dir / "etc/sluice.yaml"
        d = self.dir
        self.config.write_text(f"""schema: sluice/config/1
feeds:
  - {{feed: {FEED}, root: {d}/etc/root.json, priority: 10, external: true{feed_keys}}}
state: {d}/state
run: {d}/run
image_key: {d}/etc/image.pub
compile: {{socket: {d}/run/compile.sock, key: {d}/compile/image.key, state: {d}/compile}}
dataplane: {{enabled: {str(telemetry).lower()}, telemetry: {d}/run/telemetry, counters: {d}/run/counters, wire: {d}/bpf}}
limits: {{bundle_bytes: {limits or 1 << 20}, orders: 1000, targets: 10000}}
api: {{socket: {d}/run/sluiced.sock, admin_uids: [0]}}
""")

    def close(self):
        for name in list(self.processes):
            self.kill(name, signal.SIGTERM)
        logs = "".join(log.read_text() for log in self.dir.glob("*.log"))
        shutil.rmtree(self.dir)
        assert "Sanitizer" not in logs, logs

    # -- processes ----------------------------------------------------------------------------------------------------

    def command(self, uid, program, *args):
        return ["setpriv", "--reuid", str(uid), "--regid", str(GID), "--clear-groups", "--bounding-set=-all",
                "--inh-caps=-all", "--no-new-privs", str(self.dir / "bin" / program), *map(str, args)]

    def as_user(self, uid, program, *args, check=True):
        return subprocess.run(self.command(uid, program, *args), check=check, capture_output=True, text=True)

    def start(self, name, uid, *args):
        with open(self.dir / f"{name}.log", "a") as log:
            self.processes[name] = subprocess.Popen(self.command(uid, name, *args), stderr=log, stdin=subprocess.DEVNULL)

    def start_compile(self):
        self.start("sluice-compile", COMPILE, "--config", self.config, "--serve", self.dir / "run/compile.sock")

    def start_sluiced(self):
        self.start("sluiced", SLUICED, "--config", self.config)
        until(self.status, what="sluiced")

    def up(self):
        self.start_compile()
        self.start_sluiced()
        return self

    def kill(self, name, sig=signal.SIGKILL):
        process = self.processes.pop(name)
        process.send_signal(signal.SIGCONT)
        process.send_signal(sig)
        return process.wait(timeout=20)

    def pause(self, name, sig=signal.SIGSTOP):
        self.processes[name].send_signal(sig)

    def log(self):
        return (self.dir / "sluiced.log").read_text()

    # -- sluicectl ----------------------------------------------------------------------------------------------------

    def ctl(self, *args, check=True, uid=0):
        command = [str(BIN / "sluicectl"), *map(str, args)]
        if uid:
            command = self.command(uid, "sluicectl", *args)
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert not check or done.returncode == 0, f"{command}: {done.returncode}: {done.stderr}{done.stdout}"
        return done

    def ask(self, *args, check=True):
        done = self.ctl(*args, "--socket", self.dir / "run/sluiced.sock", "--json", check=check)
        return json.loads(done.stdout) if done.stdout else None

    def post(self, route, body):
        curl = ["curl", "-sS", "--unix-socket", self.dir / "run/sluiced.sock", "-d", json.dumps(body), f"http://sluiced/v1/{route}"]
        return json.loads(subprocess.run(curl, check=True, capture_output=True).stdout)

    def status(self):
        return self.ask("status", check=False)

    def alarms(self):
        return {a["code"]: a for a in self.status()["alarms"]}

    def feed(self):
        return self.status()["feeds"][0]

    def stands(self, seq):
        feed = self.feed()
        return feed.get("seq") == seq and feed

    def blocked(self, name):
        answer = self.ask("why", name, check=False)  # none where there is no image
        return answer is not None and answer["blocked"]

    def current_image(self):
        path = self.dir / "state/images/current.img"
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None

    # -- the authority ------------------------------------------------------------------------------------------------

    def bundle(self, *names, seq=None, churn="a list of the tests"):
        """A new bundle that blocks these subtrees, not signed. `churn`: why so much changes; none: not said."""
        self.seq = seq if seq is not None else self.seq + 1
        orders = self.dir / "authority/orders.yaml"
        targets = "\n".join(f"      - {{name: {n}, scope: subtree}}" for n in names)
        orders.write_text(ORDERS % (FEED, targets, stamp(-1), stamp(100)))
        out = self.dir / f"authority/b{self.seq}.jsonl"
        for old in out.parent.glob(out.name + ".*"):
            old.unlink()
        why = ["--churn-why", churn] if churn else []
        self.ctl("bundle", "--feed", FEED, "--seq", self.seq, *why, "--out", out, orders)
        return out

    def sign(self, bundle, *parties):
        for party in parties:
            self.ctl("sign", "--key", self.dir / f"authority/{party}.key", bundle)
        return bundle

    def minisign(self, bundle, *parties):
        """Debian's minisign: it signs also what sluicectl refuses to sign."""
        body = bundle.read_bytes()
        head = json.loads(body.split(b"\n", 1)[0])
        comment = f"feed={head['feed']} epoch={head['epoch']} seq={head['seq']} sha256={hashlib.sha256(body).hexdigest()}"
        for party in parties:
            out = bundle.with_name(f"{bundle.name}.{party}.minisig")
            subprocess.run(["minisign", "-S", "-W", "-s", self.dir / f"authority/{party}.key", "-m", bundle, "-x", out,
                            "-t", comment], check=True, capture_output=True, stdin=subprocess.DEVNULL)
        return bundle

    def deliver(self, bundle):
        """As an SFTP server would: each file by rename, the bundle first, the signatures one by one."""
        inbox = self.dir / "state/inbox"
        for file in (bundle, *sorted(bundle.parent.glob(bundle.name + ".*.minisig"))):
            part = inbox / f".{file.name}.part"
            shutil.copy(file, part)
            os.chown(part, SLUICED, GID)
            part.rename(inbox / file.name)
        return bundle

    def publish(self, *names):
        """A good bundle, all the way."""
        self.deliver(self.sign(self.bundle(*names), *BOTH))
        until(lambda: self.stands(self.seq), what=f"bundle {self.seq}")


PROGRAMS = ("sluiced", "sluicectl", "sluice-compile")


class FakeDataplane:
    """Answers DPDK's telemetry protocol as the data plane does: greets, wraps, runs what it is given."""

    def __init__(self, path, refuse=None):
        self.path, self.refuse, self.image, self.loads, self.clients = path, refuse, "", [], []
        self.poll_age_us = 5
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(str(path))
        os.chown(path, SLUICED, GID)
        self.listener.listen(4)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.clients.append(client)
            client.send(b'{"version":"DPDK 22.11","pid":1,"max_output_len":16384}')
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        while request := client.recv(2048):
            command, _, argument = request.decode().partition(",")
            client.send(json.dumps({command: self.answer(command, argument)}).encode())

    def answer(self, command, path):
        if command == "/sluice/load":
            self.loads.append(path)
            if self.refuse:
                return {"ok": 0, "error": self.refuse}
            self.image = hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
            return {"ok": 1, "sha256": self.image}
        image = {"sha256": self.image} if self.image else {}
        return {"pid": 1, "mode": "enforce", "workers": {"0": {"id": 0, "poll_age_us": self.poll_age_us}}, "image": image, "loads": 0}

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for client in self.clients:
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        os.unlink(self.path)

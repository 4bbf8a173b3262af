"""kill -9 and kill -STOP of each program while traffic flows: the wire stays up, the others go on, the same rules return."""
import datetime
import os
import re
import signal
import subprocess
import time

import pytest
from lab import BASE, CURL_RESET, DIR, SERVER4, SERVER6, curl, dig, in_ns, measured, shell, until

PING_EVERY_MS = 5


class Pings:
    """Pings every 5 ms for the length of a block; then how many were lost, and the longest gap."""

    def __enter__(self):
        self.log = DIR / "log/pings"
        with open(self.log, "w") as out:
            self.process = subprocess.Popen(
                in_ns("client", "ping", "-O", "-D", "-i", PING_EVERY_MS / 1000, "-W", "1", SERVER4), stdout=out,
                stderr=subprocess.STDOUT)
        until(lambda: self.count() >= 20, 5)
        return self

    def text(self):
        return self.log.read_text()

    def count(self):
        return len(re.findall(r"bytes from", self.text()))

    def more(self, count=100, seconds=10):
        """Waits for more answers: proof that traffic flows."""
        have = self.count()
        until(lambda: self.count() >= have + count, seconds, what=f"{count} more pings")

    def __exit__(self, *failure):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(10)
        text = self.text()
        answers = [(int(n), float(t)) for t, n in re.findall(r"\[(\d+\.\d+)\] \d+ bytes from .* icmp_seq=(\d+)", text)]
        times = [t for _, t in answers]
        sent = max(n for n, _ in answers)  # what was under way at the end is not lost
        missing = sorted(set(range(1, sent + 1)) - {n for n, _ in answers})
        self.lost = len(missing)
        self.gap_ms = 1000 * max(b - a for a, b in zip(times, times[1:]))
        measured(f"{self.lost} of {sent} pings lost {missing[:20]}, longest gap {self.gap_ms:.0f} ms")


def rules_hold():
    assert dig("www.blocked.test").blocked
    assert [r[3] for r in dig("www.allowed.test", "A", 6).records] == [SERVER4]
    assert curl("https://www.blocked.test/")[0] in CURL_RESET
    assert curl("https://www.allowed.test/", 6)[1] == 200


def unix(stamp):
    return datetime.datetime.fromisoformat(stamp).timestamp()


def enforced(lab):
    shell(f"lab_until 20 lab_enforced {lab.seq}")


def test_data_plane_killed_traffic_goes_on_and_the_same_rules_return(lab):
    image = lab.health()["image"]["sha256"]
    with Pings() as pings:
        os.kill(lab.pid("dataplane"), signal.SIGKILL)
        pings.more()
        assert dig("www.blocked.test").records, "fail open: without a data plane nothing is blocked"
        assert curl("https://www.allowed.test/")[1] == 200
        until(lambda: "dataplane-unreachable" in lab.alarms(), 15)
        shell("lab_start_dataplane")
        enforced(lab)
        pings.more()
    rules_hold()
    assert lab.health()["image"]["sha256"] == image
    assert "dataplane-unreachable" not in lab.alarms()


def test_data_plane_stopped_traffic_goes_on_past_it(lab):
    pid = lab.pid("dataplane")
    with Pings() as pings:
        os.kill(pid, signal.SIGSTOP)
        try:
            pings.more()
            assert dig("www.allowed.test").records
        finally:
            os.kill(pid, signal.SIGCONT)
        until(lambda: dig("www.blocked.test").blocked, 5)
        pings.more()
    rules_hold()


def test_data_plane_ended_and_started_gracefully(lab):
    with Pings() as pings:
        shell("lab_stop dataplane")
        pings.more()
        shell("lab_start_dataplane")
        enforced(lab)
        pings.more()
    rules_hold()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
@pytest.mark.parametrize("name", ["sluiced", "compile"])
def test_control_side_dies_or_hangs_and_nothing_happens_to_traffic_or_rules(lab, name, how):
    pid = lab.pid(name)
    with Pings() as pings:
        os.kill(pid, how)
        pings.more()
        rules_hold()
        if how == signal.SIGKILL:
            shell(f"lab_start_{name}")
        else:
            os.kill(pid, signal.SIGCONT)
        until(lambda: lab.ctl("status", check=False), 10)
        enforced(lab)
        pings.more()
    assert pings.lost == 0
    rules_hold()


def test_all_programs_killed_and_started_again(lab):
    with Pings() as pings:
        for name in ("dataplane", "sluiced", "compile"):
            os.kill(lab.pid(name), signal.SIGKILL)
        pings.more()
        shell("lab_start_compile; lab_start_dataplane; lab_start_sluiced")
        enforced(lab)
        pings.more()
    rules_hold()


def test_bypass_lets_everything_pass_and_back(lab):
    with Pings() as pings:
        lab.ctl("bypass", "on")
        assert dig("www.blocked.test").records
        assert curl("https://www.blocked.test/")[1] == 200
        lab.ctl("bypass", "off")
        pings.more()
    rules_hold()
    assert pings.lost == 0


def test_the_wire_is_upgraded_under_traffic(lab):
    with Pings() as pings:
        for _ in range(5):
            shell('lab_wire attach "${lab_pairs[@]}" --group "$lab_gid"')
            pings.more(20)
    assert pings.lost == 0
    rules_hold()


def test_started_without_an_image_it_forwards_and_takes_one_later(lab):
    link = DIR / "state/images/current.img"
    target = os.readlink(link)
    try:
        shell("lab_stop sluiced; lab_stop dataplane")
        link.unlink()
        shell("lab_start_dataplane")
        until(lambda: dig("www.blocked.test").records, 10)
        assert curl("https://www.allowed.test/")[1] == 200
    finally:
        if not link.exists():
            os.symlink(target, link)
        if lab.pid("dataplane") is None:
            shell("lab_start_dataplane")
        shell("lab_start_sluiced")
    enforced(lab)
    rules_hold()


def test_orders_begin_and_end_to_the_second_with_everything_but_the_data_plane_dead(lab):
    second = 1 / 86400
    lab.publish([*BASE, (20, dict(targets=["exact:swap.blocked.test"], days=1 + 12 * second)),
                 (21, dict(targets=["exact:sub.www.blocked.test"], since=12 * second))])
    stands = {o["id"]: o for o in lab.ctl("orders")["orders"]}
    end, begin = unix(stands["E2E-00020"]["expires"]), unix(stands["E2E-00021"]["effective"])
    try:
        for program in ("sluiced", "compile"):
            os.kill(lab.pid(program), signal.SIGKILL)
        seen = set()
        while time.time() < max(begin, end) + 1:
            for name, at, before in (("swap.blocked.test", end, True), ("sub.www.blocked.test", begin, False)):
                asked, blocked, answered = time.time(), dig(name).blocked, time.time()
                # The workers read CLOCK_REALTIME_COARSE, which is up to one tick (4 ms) behind.
                if answered < at or asked > at + 0.01:
                    assert blocked == (before if answered < at else not before), (name, asked, answered, at)
                    seen.add((name, answered < at))
        assert len(seen) == 4, seen
    finally:
        shell("lab_start_compile; lab_start_sluiced")
    lab.publish(BASE)

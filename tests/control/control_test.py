"""sluiced, sluice-compile and sluicectl from the outside, without a data plane.  run BUILD/bin [PYTEST-ARGUMENTS…]"""
import json
import os
import random
import signal
import subprocess
import time

import pytest
from gateway import BOTH, FEED, OTHER, FakeDataplane, Gateway, stamp, until


@pytest.fixture
def gateway():
    made = Gateway().up()
    yield made
    made.close()


@pytest.fixture(scope="module")
def running():
    """One gateway for the tests that leave the last good rules as they were: news.example.org is blocked."""
    made = Gateway().up()
    made.publish("news.example.org")
    yield made
    made.close()


# -- good bundles -----------------------------------------------------------------------------------------------------

def test_a_good_bundle_is_enforced_without_being_asked_for(gateway):
    assert gateway.feed()["state"] == "none"
    gateway.publish("news.example.org")
    status = gateway.status()
    assert status["image"]["sha256"] == gateway.current_image()
    assert status["image"]["feeds"] == [{k: status["feeds"][0][k] for k in ("feed", "epoch", "seq", "sha256")}]
    assert status["alarms"] == [] and status["waiting"] == []
    assert (gateway.dir / "state/inbox/accepted/b1.jsonl").exists()


def test_why_tells_order_authority_law_validity_and_target(running):
    why = running.ask("why", "A.News.Example.ORG.")
    assert why["blocked"] and why["name"] == "a.news.example.org"
    assert why["order"] == "NCCIA-2026-00481" and why["number"] == "481/2026"
    assert why["authority"].startswith("National") and why["law"] == "Example Act 2016, section 37"
    assert (why["target"], why["scope"], why["feed"]) == ("news.example.org", "subtree", FEED)
    assert why["methods"] == ["dns", "sni", "quic", "http"]
    assert not running.ask("why", "example.org")["blocked"]
    assert not running.ask("why", "news.example.org", "--method", "dns", "--qtype", "MX")["blocked"]
    assert running.ask("why", "news.example.org", "--method", "sni", "--qtype", "MX")["blocked"]


def test_orders_and_export_show_what_stands(running):
    order, = running.ask("orders")["orders"]
    assert (order["id"], order["targets"], order["in_force"], order["blocked"]) == ("NCCIA-2026-00481", 1, True, 0)
    zone = running.ctl("export", "rpz", "--socket", running.dir / "run/sluiced.sock", "--zone", "rpz.test").stdout
    assert "$ORIGIN rpz.test." in zone and "*.news.example.org CNAME *." in zone


def test_signatures_of_debians_minisign_count_equally(gateway):
    gateway.deliver(gateway.minisign(gateway.bundle("news.example.org"), *BOTH))
    until(lambda: gateway.stands(1))
    gateway.deliver(gateway.sign(gateway.minisign(gateway.bundle("b.example.org"), "requester"), "independent"))
    until(lambda: gateway.stands(2))


def test_the_same_bundle_again_is_no_event(running):
    before = running.current_image()
    running.deliver(running.dir / f"authority/b{running.seq}.jsonl")
    outcome, = running.ask("apply")["bundles"]
    assert outcome["outcome"] == "unchanged"
    assert running.current_image() == before and running.status()["alarms"] == []


# -- bad bundles ------------------------------------------------------------------------------------------------------

def changed(bundle, **changes):
    head, _, rest = bundle.read_bytes().partition(b"\n")
    bundle.write_bytes(json.dumps({**json.loads(head), **changes}, separators=(",", ":")).encode() + b"\n" + rest)
    return bundle


def truncated(g, b):
    b.write_bytes(g.sign(b, *BOTH).read_bytes()[:-20])


def bit_flipped(g, b):
    b.write_bytes(g.sign(b, *BOTH).read_bytes().replace(b"bad.example.org", b"bae.example.org"))


def unsigned(g, b):
    pass


def half_signed(g, b):
    g.sign(b, "requester")


def by_strangers(g, b):
    for name in ("one", "two"):
        key = g.dir / f"authority/stranger-{name}"
        if not key.with_suffix(".key").exists():
            g.ctl("keygen", "--out", key)
        g.sign(b, f"stranger-{name}")


def replayed(g, b):
    g.minisign(changed(b, seq=0, epoch=1), *BOTH)


def equivocating(g, b):
    g.minisign(changed(b, seq=1), *BOTH)


def expired(g, b):
    g.minisign(changed(b, issued=stamp(-20), expires=stamp(-1)), *BOTH)


def oversized(g, b):
    os.truncate(g.sign(b, *BOTH), 2 << 20)


def malformed(g, b):
    b.write_bytes(b.read_bytes() + b"{not json\n")
    g.minisign(b, *BOTH)


def miscounted(g, b):
    g.minisign(changed(b, targets=7), *BOTH)


def of_another_feed(g, b):
    g.minisign(changed(b, feed="other.example/list"), *BOTH)


def of_another_root(g, b):
    g.minisign(changed(b, root=2), *BOTH)


BAD = [(truncated, "bad-signature"), (bit_flipped, "bad-signature"), (unsigned, "unsigned"), (half_signed, "half-signed"),
       (by_strangers, "unknown-key"), (replayed, "rollback"), (equivocating, "equivocation"), (expired, "expired"),
       (oversized, "too-large"), (malformed, "malformed"), (miscounted, "counts"), (of_another_feed, "wrong-feed"),
       (of_another_root, "wrong-root")]


@pytest.mark.parametrize("spoil, code", BAD, ids=[f.__name__ for f, _ in BAD])
def test_a_bad_bundle_has_its_own_code_and_leaves_the_last_good_rules(running, spoil, code):
    before = running.current_image()
    bundle = running.bundle("bad.example.org")
    spoil(running, bundle)
    running.deliver(bundle)
    answer = running.ask("apply", check=False)
    outcome = next(b for b in answer["bundles"] if b["bundle"] == bundle.name)
    assert outcome["outcome"] == code, outcome
    assert answer["ok"] is False
    assert bundle.name in running.alarms()[code]["detail"]
    assert running.current_image() == before
    assert running.blocked("news.example.org") and not running.blocked("bad.example.org")
    if code in ("rollback", "equivocation"):
        running.ask("ack", code, FEED)
        assert code not in running.alarms()
    if code in ("unsigned", "half-signed", "unknown-key", "wrong-root"):
        assert bundle.name in [w["bundle"] for w in running.status()["waiting"]]
        for file in (running.dir / "state/inbox").glob(bundle.name + "*"):
            file.unlink()
    else:
        assert (running.dir / f"state/inbox/rejected/{bundle.name}.why").read_text().startswith(code + ": ")


def test_a_guard_refuses_one_order_of_a_bundle_that_another_tool_made_and_the_rest_is_enforced(gateway):
    bundle = gateway.bundle("news.example.org")
    head, order, *targets = bundle.read_text().splitlines()
    head, wide = json.loads(head), json.loads(order)
    head.update(orders=2, targets=len(targets) + 1)
    wide.update(order="WIDE-1")
    lines = [json.dumps(head, separators=(",", ":")), order, *targets, json.dumps(wide, separators=(",", ":")),
             '{"n":"com.pk","s":"subtree"}']
    bundle.write_text("".join(line + "\n" for line in lines))
    gateway.deliver(gateway.minisign(bundle, *BOTH))
    until(lambda: gateway.stands(gateway.seq))
    assert gateway.blocked("news.example.org") and not gateway.blocked("site.com.pk")
    alarms = gateway.alarms()
    assert "WIDE-1: G1: com.pk" in alarms["guard-refused"]["detail"] and "guard-mismatch" not in alarms
    assert "*.com.pk" not in gateway.ctl("export", "rpz", "--socket", gateway.dir / "run/sluiced.sock").stdout
    gateway.publish("news.example.org")
    assert gateway.alarms() == {}


def test_too_much_at_once_is_held_without_a_reason_and_what_it_takes_back_is_not(gateway):
    gateway.publish("old.example.org", "gone.example.org")
    new = [f"n{i}.example.org" for i in range(60)]
    gateway.deliver(gateway.sign(gateway.bundle("old.example.org", *new, churn=None), *BOTH))
    until(lambda: gateway.stands(gateway.seq))
    assert gateway.blocked("old.example.org")
    assert not gateway.blocked("gone.example.org") and not gateway.blocked("n7.example.org")
    assert "60 new targets, 50 are free" in gateway.alarms()["churn"]["detail"]
    assert "guard G7" in gateway.post("confirm", {"feed": FEED})["error"]
    # What follows is held with it, until a header says why.
    gateway.deliver(gateway.sign(gateway.bundle("old.example.org", *new, "more.example.org", churn=None), *BOTH))
    until(lambda: gateway.stands(gateway.seq))
    assert gateway.blocked("old.example.org") and not gateway.blocked("n7.example.org")
    gateway.publish("old.example.org", *new)
    assert gateway.blocked("n7.example.org") and "churn" not in gateway.alarms()


def test_alarms_outlive_a_restart_and_those_that_may_mean_an_attack_the_next_good_bundle_too(running):
    bundle = running.bundle("bad.example.org")
    replayed(running, bundle)
    running.deliver(bundle)
    until(lambda: "rollback" in running.alarms())
    running.kill("sluiced")
    running.start_sluiced()
    assert "rollback" in running.alarms()
    running.publish("news.example.org")
    assert list(running.alarms()) == ["rollback"], "it may have been an attack: it stays until somebody says so"
    assert running.ask("ack", "rollback", FEED) == {"acknowledged": True}
    assert running.alarms() == {}
    assert running.ask("ack", "rollback", FEED, check=False) is None


def test_a_bundle_waits_for_its_second_signature(gateway):
    bundle = gateway.sign(gateway.bundle("news.example.org"), "requester")
    gateway.deliver(bundle)
    until(lambda: [w["code"] for w in gateway.status()["waiting"]] == ["half-signed"])
    assert gateway.alarms() == {}, "nothing is wrong yet"
    gateway.sign(bundle, "independent")
    gateway.deliver(bundle)
    until(lambda: gateway.stands(1))
    assert gateway.status()["waiting"] == []


# -- who may do what --------------------------------------------------------------------------------------------------

def test_only_admins_change_things_and_only_the_group_reads(running):
    socket = running.dir / "run/sluiced.sock"
    done = running.ctl("apply", "--socket", socket, uid=OTHER, check=False)
    assert done.returncode == 1 and "may not" in done.stderr
    assert running.ctl("status", "--socket", socket, uid=OTHER).returncode == 0
    assert socket.stat().st_mode & 0o777 == 0o660


def test_sluiced_has_no_capability(running):
    status = open(f"/proc/{running.processes['sluiced'].pid}/status").read()
    assert "CapEff:\t0000000000000000" in status and "CapPrm:\t0000000000000000" in status


def test_exit_codes_of_sluicectl(running):
    socket = running.dir / "run/sluiced.sock"
    assert running.ctl("why", "a..b", "--socket", socket, check=False).returncode == 1
    assert running.ctl("why", check=False).returncode == 2
    assert running.ctl("nonsense", check=False).returncode == 2
    assert running.ctl("root", "--feed", FEED, "--key", "nobody", check=False).returncode == 2
    assert running.ctl("inspect", "x.pcap", "--image", "x.img", check=False).returncode == 2
    for number in "0", "-1":
        refused = running.ctl("bundle", "--feed", FEED, "--seq", number, "x.yaml", check=False)
        assert refused.returncode == 2 and "want a number from 1 on" in refused.stderr
    missing = running.ctl("sign", "--key", "nowhere.key", "x.jsonl", check=False)
    assert missing.returncode == 1 and missing.stderr == "sluicectl: nowhere.key: No such file or directory\n"
    assert running.ctl("status", "--socket", "/nowhere.sock", check=False).returncode == 3
    assert running.ctl("bypass", "on", "--socket", socket, check=False).returncode == 1  # no wire here


# -- death ------------------------------------------------------------------------------------------------------------

def test_killed_at_any_time_sluiced_comes_back_to_a_state_that_was_accepted(gateway):
    gateway.publish("news.example.org")
    chance = random.Random(7)
    for n in range(12):
        gateway.deliver(gateway.sign(gateway.bundle("news.example.org", f"n{n}.example.org"), *BOTH))
        time.sleep(chance.uniform(0.3, 0.9))  # anywhere between the files' arrival and the image's activation
        gateway.kill("sluiced")
        before = json.loads((gateway.dir / "state/feeds/pta.example-terror/state.json").read_text())
        gateway.start_sluiced()
        until(lambda: gateway.stands(gateway.seq), what="the bundle that was in the inbox")
        assert before["seq"] >= gateway.seq - 1
        assert gateway.status()["image"]["feeds"][0]["seq"] == gateway.seq
        assert gateway.blocked(f"n{n}.example.org")
    assert gateway.alarms() == {}


def test_without_sluice_compile_a_bundle_waits_and_is_enforced_when_it_is_back(gateway):
    gateway.publish("news.example.org")
    before = gateway.current_image()
    gateway.kill("sluice-compile")
    gateway.deliver(gateway.sign(gateway.bundle("late.example.org"), *BOTH))
    until(lambda: "compile-failed" in gateway.alarms())
    assert gateway.current_image() == before and gateway.feed()["seq"] == 1
    gateway.start_compile()
    until(lambda: gateway.stands(2))
    assert gateway.blocked("late.example.org") and gateway.alarms() == {}


def test_while_sluice_compile_is_stopped_questions_are_answered_and_sluiced_ends_when_asked(gateway):
    gateway.publish("news.example.org")
    gateway.pause("sluice-compile")
    gateway.deliver(gateway.sign(gateway.bundle("late.example.org"), *BOTH))
    until(lambda: (gateway.dir / "state/staging/bundle.jsonl").exists())
    assert gateway.blocked("news.example.org") and not gateway.blocked("late.example.org")
    assert gateway.kill("sluiced", signal.SIGTERM) == 0
    gateway.pause("sluice-compile", signal.SIGCONT)
    gateway.start_sluiced()
    until(lambda: gateway.stands(2))


def test_who_waits_for_apply_is_answered_when_sluiced_ends(gateway):
    gateway.publish("news.example.org")
    gateway.pause("sluice-compile")
    gateway.deliver(gateway.sign(gateway.bundle("late.example.org"), *BOTH))
    command = [gateway.dir / "bin/sluicectl", "apply", "--socket", gateway.dir / "run/sluiced.sock"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as waiting:
        until(lambda: (gateway.dir / "state/staging/bundle.jsonl").exists())
        assert waiting.poll() is None
        assert gateway.kill("sluiced", signal.SIGTERM) == 0
        assert waiting.wait(timeout=20) in (1, 3)
    gateway.pause("sluice-compile", signal.SIGCONT)


def test_an_image_that_is_gone_or_spoiled_is_built_again(gateway):
    gateway.publish("news.example.org")
    good = gateway.current_image()
    for spoil in (lambda i: i.unlink(), lambda i: i.resolve().write_bytes(b"nonsense")):
        gateway.kill("sluiced")
        spoil(gateway.dir / "state/images/current.img")
        gateway.start_sluiced()
        until(lambda: gateway.current_image() == good, what="the image")
        until(lambda: gateway.blocked("news.example.org"))
        until(lambda: gateway.alarms() == {})


def test_where_the_state_cannot_be_read_no_bundle_is_taken(gateway):
    gateway.publish("news.example.org")
    good = gateway.current_image()
    gateway.kill("sluiced")
    (gateway.dir / "state/feeds/pta.example-terror/state.json").write_text("{}")
    gateway.start_sluiced()
    assert "unreadable" in gateway.alarms()
    bundle = gateway.deliver(gateway.sign(gateway.bundle("b.example.org"), *BOTH))
    outcome = gateway.ask("apply", check=False)["bundles"][0]
    assert (outcome["bundle"], outcome["outcome"]) == (bundle.name, "unreadable")
    assert gateway.current_image() == good


def test_sluiced_runs_confined(running):
    status = dict(line.split(":\t", 1) for line in
                  open(f"/proc/{running.processes['sluiced'].pid}/status").read().splitlines())
    assert (status["Seccomp"], status["NoNewPrivs"]) == ("2", "1")
    assert {status[c] for c in ("CapPrm", "CapEff", "CapInh", "CapAmb")} == {"0" * 16}


def test_a_second_sluiced_on_the_same_state_does_not_start(running):
    done = running.as_user(64301, "sluiced", "--config", running.config, check=False)
    assert done.returncode == 1 and "another sluiced" in done.stderr


# -- the data plane's side of it --------------------------------------------------------------------------------------

@pytest.fixture
def with_dataplane():
    made = Gateway(telemetry=True).up()
    yield made
    made.close()


def test_the_data_plane_gets_every_image_and_again_after_its_restart(with_dataplane):
    g = with_dataplane
    plane = FakeDataplane(g.dir / "run/telemetry")
    for name in ("a.example.org", "b.example.org"):
        g.publish(name)
        until(lambda: plane.image == g.current_image(), what="the image at the data plane")
    until(lambda: g.status()["dataplane"]["runs_current"])
    plane.close()
    plane = FakeDataplane(g.dir / "run/telemetry")
    until(lambda: plane.image == g.current_image(), what="the image after the restart")
    assert g.ask("apply")["image"]["outcome"] == "running"
    assert len(plane.loads) == 2, "apply hands it over again"
    plane.close()


def test_a_data_plane_that_is_away_or_refuses_is_an_alarm_until_it_does_not(with_dataplane):
    g = with_dataplane
    g.publish("a.example.org")
    until(lambda: "dataplane-unreachable" in g.alarms())
    assert g.blocked("a.example.org"), "why needs no data plane"
    plane = FakeDataplane(g.dir / "run/telemetry", refuse="bad-signature")
    until(lambda: "bad-signature" in g.alarms().get("image-rejected", {}).get("detail", ""))
    assert "dataplane-unreachable" not in g.alarms()
    plane.refuse = None
    assert g.ask("apply")["ok"]
    until(lambda: g.alarms() == {})
    plane.close()

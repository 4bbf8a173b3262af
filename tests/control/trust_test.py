"""The attacks of the TUF specification, deltas and roots that follow one another, through sluiced and sluice-compile."""
import json
import os
import shutil
import socket
import subprocess

import pytest
from gateway import BOTH, FEED, Gateway, until


@pytest.fixture(scope="module")
def gateway():
    made = Gateway().up()
    made.publish("news.example.org")
    yield made
    made.close()


def outcome_of(g, bundle):
    g.deliver(bundle)
    return next(b for b in g.ask("apply", check=False)["bundles"] if b["bundle"] == bundle.name)["outcome"]


def take_back(g, bundle):
    for file in (g.dir / "state/inbox").glob(bundle.name + "*"):
        file.unlink()


def delta(g, *names, base, seq=None):
    """A signed delta on the snapshot `base`; the snapshot that results lies beside it as NAME.whole."""
    whole = g.bundle(*names, seq=seq)
    out = whole.with_name(f"d{g.seq}.jsonl")
    orders = g.dir / "authority/orders.yaml"
    g.ctl("bundle", "--feed", FEED, "--seq", g.seq, "--base", base, "--out", out, orders)
    whole.unlink()
    return g.sign(out, *BOTH)


def test_deltas_are_applied_in_order_and_wait_for_their_base(gateway):
    base = gateway.dir / f"authority/b{gateway.seq}.jsonl"
    first = delta(gateway, "news.example.org", "one.example.org", base=base)
    second = delta(gateway, "news.example.org", "two.example.org", base=first.with_name(first.name + ".whole"))
    assert outcome_of(gateway, second) == "delta-base"
    assert second.name in gateway.alarms()["delta-base"]["detail"]
    assert outcome_of(gateway, first) == "accepted"
    until(lambda: gateway.stands(gateway.seq))
    assert gateway.blocked("two.example.org") and not gateway.blocked("one.example.org")
    assert gateway.alarms() == {}
    assert outcome_of(gateway, second) == "unchanged"
    gateway.kill("sluiced")
    gateway.start_sluiced()
    assert gateway.blocked("two.example.org") and gateway.alarms() == {}


def test_signatures_of_one_bundle_do_not_serve_another(gateway):  # mix and match
    signed = gateway.sign(gateway.bundle("news.example.org"), *BOTH)
    mixed = gateway.dir / "authority/mixed.jsonl"
    mixed.write_bytes(signed.read_bytes().replace(b"news.example.org", b"evil.example.org"))
    for file in signed.parent.glob(signed.name + ".*.minisig"):
        shutil.copy(file, mixed.with_name(file.name.replace(signed.name, mixed.name)))
    assert outcome_of(gateway, mixed) == "bad-signature"
    assert not gateway.blocked("evil.example.org")


def test_a_leap_of_seq_is_refused_and_stays_an_alarm(gateway):  # fast-forward
    before = gateway.seq
    leap = gateway.sign(gateway.bundle("evil.example.org", seq=2**40), *BOTH)
    assert outcome_of(gateway, leap) == "fast-forward"
    gateway.seq = before
    gateway.publish("news.example.org")
    assert list(gateway.alarms()) == ["fast-forward"]
    gateway.ask("ack", "fast-forward", FEED)
    assert gateway.alarms() == {}


def test_a_compromised_sluiced_cannot_make_rules(gateway):
    """As sluiced: ask sluice-compile for images of what nobody signed, of what is old, under a root of its own."""
    old = gateway.dir / "authority/old.jsonl"
    forged = gateway.bundle("evil.example.org")
    for party in BOTH:
        gateway.ctl("keygen", "--out", gateway.dir / f"authority/own-{party}")
        gateway.ctl("sign", "--key", gateway.dir / f"authority/own-{party}.key", forged)
    accepted = sorted((gateway.dir / "state/inbox/accepted").glob("b*.jsonl"), key=os.path.getmtime)
    shutil.copy(accepted[0], old)
    for file in accepted[0].parent.glob(accepted[0].name + ".*.minisig"):
        shutil.copy(file, old.with_name(file.name.replace(accepted[0].name, old.name)))
    root = gateway.dir / "authority/own-root.json"
    gateway.ctl("root", "--feed", FEED, "--root-version", 2, "--out", root,
                *[f"--key={p}:{gateway.dir}/authority/own-{p}.pub" for p in BOTH])
    for party in BOTH:
        gateway.ctl("root", "sign", "--key", gateway.dir / f"authority/own-{party}.key", root)
    os.chmod(gateway.dir / "authority", 0o755)

    def ask(bundle, roots=()):
        files = lambda path: [str(f) for f in path.parent.glob(path.name + ".*.minisig")]
        request = {"bundles": [{"feed": FEED, "bundle": str(bundle), "signatures": files(bundle),
                                "roots": [{"root": str(r), "signatures": files(r)} for r in roots]}],
                   "out": str(gateway.dir / "state/images")}
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.connect(str(gateway.dir / "run/compile.sock"))
            s.send(json.dumps(request).encode())
            answer = json.loads(s.recv(65536))
        return answer.get("error", "made")

    before = gateway.current_image()
    assert ask(forged) == "unknown-key"
    assert ask(forged, [root]) == "unknown-key", "a root that root 1 did not sign changes nothing"
    assert ask(old) == "rollback"
    assert gateway.current_image() == before


def test_roots_follow_one_another_with_the_keys_of_both(gateway):
    """A stolen key goes by a new root; a new epoch begins to count anew; nothing of the old root is new any more."""
    first = gateway.dir / "etc/root.json"
    gateway.ctl("keygen", "--out", gateway.dir / "authority/fresh")
    gone = (gateway.dir / "authority/requester.pub").read_text().split("\n")[0].rsplit(" ", 1)[1]
    second = gateway.dir / "authority/root-2.json"
    gateway.ctl("root", "rotate", first, "--remove", gone, "--add", f"requester:{gateway.dir}/authority/fresh.pub",
                "--new-epoch", "--out", second)
    for party in BOTH:
        gateway.ctl("root", "sign", "--key", gateway.dir / f"authority/{party}.key", second)
    assert gateway.ctl("root", "show", second, "--previous", first, check=False).returncode == 1
    assert outcome_of(gateway, second) == "unknown-key"  # its own new key has not signed
    gateway.ctl("root", "sign", "--key", gateway.dir / "authority/fresh.key", second)
    assert gateway.ctl("root", "show", second, "--previous", first).returncode == 0
    assert outcome_of(gateway, second) == "accepted"

    of_the_thief = gateway.sign(gateway.bundle("evil.example.org"), *BOTH)
    assert outcome_of(gateway, of_the_thief) == "unknown-key"
    take_back(gateway, of_the_thief)
    good = gateway.dir / "authority/e2.jsonl"
    gateway.ctl("bundle", "--feed", FEED, "--epoch", 2, "--seq", 1, "--root", 2, "--out", good,
                gateway.dir / "authority/orders.yaml")
    for key in ("fresh", "independent"):
        gateway.ctl("sign", "--key", gateway.dir / f"authority/{key}.key", good)
    assert outcome_of(gateway, good) == "accepted"
    for program in ("sluiced", "sluice-compile"):
        gateway.kill(program)
    gateway.start_compile()
    gateway.start_sluiced()
    assert gateway.feed()["epoch"] == 2 and "wrong-root" not in gateway.alarms()


def test_a_key_in_a_token_signs_as_minisign_does(gateway, monkeypatch):
    token = gateway.dir / "token"
    token.mkdir()
    (token / "conf").write_text(f"directories.tokendir = {token}\nobjectstore.backend = file\nlog.level = ERROR\n")
    (token / "pin").write_text("1234\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(token / "conf"))
    module = "/usr/lib/softhsm/libsofthsm2.so"
    run = lambda *command: subprocess.run(command, check=True, capture_output=True, text=True)
    run("softhsm2-util", "--init-token", "--free", "--label", "sluice", "--pin", "1234", "--so-pin", "1234")
    run("pkcs11-tool", "--module", module, "--login", "--pin", "1234", "--keypairgen", "--key-type", "EC:edwards25519",
        "--label", "desk", "--id", "01")
    key = ("--pkcs11", module, "--label", "desk", "--pin-file", token / "pin")
    gateway.ctl("token-public", *key, "--out", token / "desk.pub")
    bundle = gateway.bundle("news.example.org")
    gateway.ctl("sign", *key, "--public", token / "desk.pub", bundle)
    signature, = bundle.parent.glob(bundle.name + ".*.minisig")
    run("minisign", "-V", "-p", str(token / "desk.pub"), "-m", str(bundle), "-x", str(signature))

"""Bad bundles and bad images: each has its own error, is an alarm in `status`, and leaves the last good rules enforced."""
import datetime
import hashlib
import json
import os
import shutil
import subprocess

import pytest
from lab import BASE, DIR, FEED, SERVER4, dig, measured, shell, until

AUTHORITY = DIR / "authority"


def time_text(days):
    return f"{datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"


def still_enforced():
    assert dig("www.blocked.test").blocked
    assert [r[3] for r in dig("www.allowed.test").records] == [SERVER4]


def forget_signatures(bundle):
    for old in bundle.parent.glob(bundle.name + ".*.minisig"):
        old.unlink()


def sign(bundle, *parties):
    """minisign itself, so that also what sluicectl would refuse to sign can be signed."""
    forget_signatures(bundle)
    body = bundle.read_bytes()
    head = json.loads(body.split(b"\n", 1)[0])
    comment = f"feed={head['feed']} epoch={head['epoch']} seq={head['seq']} sha256={hashlib.sha256(body).hexdigest()}"
    for party in parties:
        key = AUTHORITY / f"{party}.key"
        out = bundle.with_name(f"{bundle.name}.{party}.minisig")
        subprocess.run(["minisign", "-S", "-W", "-s", key, "-m", bundle, "-x", out, "-t", comment], check=True,
                       capture_output=True, stdin=subprocess.DEVNULL)


BOTH = ("requester", "independent")


@pytest.fixture
def fresh(lab):
    """A good bundle with the next number, not delivered, and the good state restored afterwards."""
    if not (AUTHORITY / "stranger.key").exists():
        shell(f"lab_ctl keygen --out {AUTHORITY}/stranger")
    yield lab.bundle(BASE)
    lab.publish(BASE)
    for code in lab.alarms() & STAY:
        lab.ctl("ack", code, FEED)
    assert not lab.alarms() & CODES, "a good bundle supersedes the alarms of bad ones"


def head_of(bundle):
    first, _, rest = bundle.read_bytes().partition(b"\n")
    return json.loads(first), rest


def with_head(bundle, **changes):
    head, rest = head_of(bundle)
    head.update(changes)
    bundle.write_bytes(json.dumps(head, separators=(",", ":")).encode() + b"\n" + rest)
    return bundle


def truncated(lab, bundle):
    bundle.write_bytes(bundle.read_bytes()[:-20])


def flipped(lab, bundle):
    body = bytearray(bundle.read_bytes())
    body[body.index(b"militant")] ^= 1
    bundle.write_bytes(body)


def unsigned(lab, bundle):
    forget_signatures(bundle)


def half_signed(lab, bundle):
    sign(bundle, "requester")


def one_key_twice(lab, bundle):
    sign(bundle, "requester")
    only = next(bundle.parent.glob(bundle.name + ".*.minisig"))
    shutil.copy(only, bundle.with_name(bundle.name + ".again.minisig"))


def of_a_stranger(lab, bundle):
    sign(bundle, "requester", "stranger")


def replayed(lab, bundle):
    with_head(bundle, seq=1)
    sign(bundle, *BOTH)


def same_number_other_content(lab, bundle):
    lab.deliver(bundle)
    shell(f"lab_until 20 lab_enforced {lab.seq}")
    with_head(bundle, issued=time_text(-0.5))
    sign(bundle, *BOTH)


def expired(lab, bundle):
    with_head(bundle, issued=time_text(-20), expires=time_text(-1))
    sign(bundle, *BOTH)


def of_another_feed(lab, bundle):
    with_head(bundle, feed="other.example/list")
    sign(bundle, *BOTH)


def not_json(lab, bundle):
    bundle.write_bytes(bundle.read_bytes() + b"{not json\n")
    sign(bundle, *BOTH)


def unknown_field(lab, bundle):
    with_head(bundle, surprise=1)
    sign(bundle, *BOTH)


def wrong_counts(lab, bundle):
    head, _ = head_of(bundle)
    with_head(bundle, targets=head["targets"] + 1)
    sign(bundle, *BOTH)


def too_large(lab, bundle):
    with open(bundle, "r+b") as out:
        out.truncate(1200 << 20)


CASES = [
    (truncated, {"bad-signature", "malformed", "counts"}),
    (flipped, {"bad-signature"}),
    (unsigned, {"unsigned"}),
    (half_signed, {"half-signed"}),
    (one_key_twice, {"half-signed"}),
    (of_a_stranger, {"unknown-key", "half-signed"}),
    (replayed, {"rollback"}),
    (same_number_other_content, {"equivocation"}),
    (expired, {"expired"}),
    (of_another_feed, {"wrong-feed"}),
    (not_json, {"malformed"}),
    (unknown_field, {"malformed"}),
    (wrong_counts, {"counts"}),
    (too_large, {"too-large"}),
]
STAY = {"rollback", "equivocation"}  # until somebody has seen them
CODES = set().union(*(codes for _, codes in CASES))


@pytest.mark.parametrize("spoil, codes", CASES, ids=[spoil.__name__ for spoil, _ in CASES])
def test_bad_bundle(lab, fresh, spoil, codes):
    spoil(lab, fresh)
    before = lab.health()["image"]["sha256"]  # after: one of them delivers a good one first
    if spoil is too_large:  # sparse: delivered by rename, not by copy
        os.chmod(fresh, 0o644)
        for file in [*fresh.parent.glob(fresh.name + ".*.minisig"), fresh]:
            os.rename(file, DIR / "state/inbox" / file.name)
    else:
        lab.deliver(fresh)
    outcomes = lab.ctl("apply", check=False)
    raised = until(lambda: lab.alarms() & codes, 15, what=f"an alarm of {codes}; apply said {outcomes}")
    assert raised
    still_enforced()
    assert lab.health()["image"]["sha256"] == before


def test_old_rules_stand_after_a_restart_with_a_bad_bundle_in_the_inbox(lab, fresh):
    flipped(lab, fresh)
    shell("lab_stop sluiced")
    lab.deliver(fresh)
    shell("lab_start_sluiced")
    until(lambda: "bad-signature" in alarms_or_none(lab), 15)
    still_enforced()


def alarms_or_none(lab):
    status = lab.ctl("status", check=False)
    return {a["code"] for a in status["alarms"]} if status else set()


# -- images ---------------------------------------------------------------------------------------------------------

def spoiled_images(good):
    body = good.read_bytes()
    middle = bytearray(body)
    middle[len(body) // 2] ^= 0x40
    yield "empty", b""
    yield "truncated", body[:-1]
    yield "cut in half", body[:len(body) // 2]
    yield "one bit changed", bytes(middle)
    yield "other magic", b"X" + body[1:]
    yield "longer", body + b"\0"
    yield "all zero", bytes(len(body))


def test_bad_images_are_refused_and_counted(lab):
    good = (DIR / "state/images/current.img").resolve()
    health = lab.health()
    errors = {}
    for what, body in spoiled_images(good):
        path = DIR / "bad.img"
        path.write_bytes(body)
        loaded = lab.telemetry(f"/sluice/load,{path}")
        assert not loaded["ok"], what
        errors[what] = loaded["error"]
        still_enforced()
    missing = lab.telemetry(f"/sluice/load,{DIR}/nosuch.img")
    assert not missing["ok"]
    measured(f"{errors}, missing: {missing['error']}")
    after = lab.health()
    assert after["rejected"] - health["rejected"] == len(errors) + 1
    assert after["image"]["sha256"] == health["image"]["sha256"]


def test_image_changed_on_disk_after_the_load_harms_nothing(lab):
    """The data plane runs its own copy; sluiced puts a good image back when it next looks."""
    link = DIR / "state/images/current.img"
    good = link.resolve()
    copy = good.read_bytes()
    try:
        os.truncate(good, len(copy) // 2)
        still_enforced()
        loaded = lab.telemetry(f"/sluice/load,{link}")
        assert not loaded["ok"]
        still_enforced()
    finally:
        good.write_bytes(copy)
    assert lab.telemetry(f"/sluice/load,{link}")["ok"]

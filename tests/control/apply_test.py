"""How a bundle comes into force, and what an operator may say of it: refuse, shadow, stage, apply, confirm, undo."""
import pytest
from gateway import FEED, FakeDataplane, Gateway, until

ORDER = "NCCIA-2026-00481"


def made_with(feed_keys, **more):
    return Gateway(feed_keys=f", {feed_keys}", **more).up()


@pytest.fixture(scope="module")
def direct():
    gateway = Gateway().up()
    gateway.publish("news.example.org")
    yield gateway
    gateway.close()


@pytest.fixture(scope="module")
def manual():
    gateway = made_with("apply: manual")
    yield gateway
    gateway.close()


def state(gateway):
    order, = gateway.ask("orders")["orders"]
    return order["state"]


def shadow(gateway, name):
    return gateway.ask("why", name).get("shadow", {}).get("order")


def phase(gateway):
    return gateway.feed().get("staged", {}).get("phase")


def zone(gateway):
    return gateway.ctl("export", "rpz", "--socket", gateway.dir / "run/sluiced.sock").stdout


def test_a_refused_order_is_left_out_until_it_is_taken_back_whoever_dies_meanwhile(direct):
    g = direct
    g.ask("refuse", ORDER, "--feed", FEED, "--code", "overblocking", "--why", "a shared host", check=False)
    for _ in range(2):
        assert not g.blocked("news.example.org") and "news.example.org CNAME" not in zone(g)
        order, = g.ask("orders")["orders"]
        assert order["state"] == "refused"
        assert (order["refused"]["code"], order["refused"]["why"]) == ("overblocking", "a shared host")
        g.kill("sluiced")
        g.start_sluiced()
    g.publish("news.example.org", "more.example.org")
    assert not g.blocked("more.example.org"), "the next bundle does not undo a refusal"
    g.ask("unrefuse", ORDER, "--feed", FEED)
    assert g.blocked("news.example.org") and state(g) == "enforced"


def test_what_an_operator_may_not_say_is_an_error_and_changes_nothing(direct):
    g = direct
    for words in (("refuse", "NO-SUCH-1", "--feed", FEED, "--code", "c", "--why", "w"),
                  ("refuse", ORDER, "--feed", "other/feed", "--code", "c", "--why", "w"),
                  ("refuse", ORDER, "--feed", FEED, "--code", "two words", "--why", "w"),
                  ("unrefuse", ORDER, "--feed", FEED), ("shadow", ORDER, "off", "--feed", FEED)):
        assert g.ctl(*words, "--socket", g.dir / "run/sluiced.sock", check=False).returncode == 1, words
    assert g.ctl("shadow", ORDER, "perhaps", "--feed", FEED, check=False).returncode == 2
    assert g.blocked("news.example.org")


def test_an_order_or_a_feed_in_shadow_blocks_nothing_until_it_is_lifted(direct):
    g = direct
    for words in ((ORDER,), ()):
        g.ask("shadow", *words, "on", "--feed", FEED)
        assert not g.blocked("news.example.org") and shadow(g, "news.example.org") == ORDER
        assert state(g) == "shadow" and "news.example.org CNAME" not in zone(g)
        g.ask("shadow", *words, "off", "--feed", FEED)
        assert g.blocked("news.example.org") and shadow(g, "news.example.org") is None


def test_manual_holds_back_what_is_new_and_never_what_stood(manual):
    g = manual
    g.publish("a.example.org")
    assert phase(g) == "waiting" and shadow(g, "a.example.org") == ORDER and "apply-waiting" in g.alarms()
    g.ask("confirm", "--feed", FEED)
    assert g.blocked("a.example.org") and phase(g) is None and g.alarms() == {}

    g.publish("a.example.org", "b.example.org")
    for _ in range(2):
        assert g.blocked("a.example.org") and shadow(g, "b.example.org") == ORDER and state(g) == "partly"
        assert "a.example.org CNAME" in zone(g) and "b.example.org CNAME" not in zone(g)
        feed, = g.ask("diff")["feeds"]
        assert (feed["phase"], feed["targets_added"], feed["targets_removed"]) == ("waiting", 1, 0)
        assert "b.example.org" in feed["orders"][0]["added"][0]
        g.kill("sluiced")
        g.start_sluiced()
    assert "+ " in g.ctl("diff", "--socket", g.dir / "run/sluiced.sock").stdout
    g.ask("apply", "--staged", "--confirm-within", "1h")
    assert g.blocked("b.example.org") and phase(g) == "watched"
    g.ask("undo")
    assert g.blocked("a.example.org") and shadow(g, "b.example.org") == ORDER and "apply-undone" in g.alarms()
    g.publish("c.example.org")
    assert not g.blocked("a.example.org"), "what is revoked ends at once"
    assert shadow(g, "c.example.org") == ORDER
    g.ask("confirm")
    assert g.blocked("c.example.org") and g.alarms() == {}
    assert g.ctl("undo", "--socket", g.dir / "run/sluiced.sock", check=False).returncode == 1


def test_without_a_confirmation_in_time_it_is_held_back_again(manual):
    g = manual
    g.publish("c.example.org", "d.example.org")
    g.ask("apply", "--feed", FEED, "--confirm-within", "1s")
    until(lambda: phase(g) == "waiting" and shadow(g, "d.example.org") == ORDER)
    assert g.blocked("c.example.org")


def test_staged_orders_are_enforced_by_themselves():
    g = made_with("apply: staged, soak_s: 1, watch_s: 1")
    try:
        g.publish("a.example.org")
        until(lambda: g.blocked("a.example.org"))
        until(lambda: phase(g) is None)
    finally:
        g.close()


def test_bad_health_undoes_what_is_new_and_nothing_else():
    g = made_with("watch_s: 1000, health: {stalled_ms: 300}", telemetry=True)
    plane = FakeDataplane(g.dir / "run/telemetry")
    try:
        g.publish("a.example.org")
        until(lambda: plane.image == g.current_image())
        g.ask("confirm")
        g.publish("a.example.org", "b.example.org")
        assert g.blocked("b.example.org") and phase(g) == "watched"
        plane.poll_age_us = 1_000_000
        until(lambda: phase(g) == "undone")
        assert "stood still" in g.alarms()["apply-undone"]["detail"]
        assert g.blocked("a.example.org") and shadow(g, "b.example.org") == ORDER
        plane.poll_age_us = 5
        until(lambda: plane.image == g.current_image())
        g.ask("confirm")
        assert g.blocked("b.example.org")
    finally:
        plane.close()
        g.close()

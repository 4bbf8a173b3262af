"""Blocked and allowed names, asked by dig and kdig."""
import re
import subprocess

import pytest
from lab import DIR, SERVER4, SERVER6, SERVERS, TOP, dig, run

WEB = ["A", "AAAA", "HTTPS", "SVCB", "ANY"]
OTHER = ["TXT", "MX"]
BLOCKED = ["militant.example", "deep.www.militant.example", "www.blocked.test", "mirror7.example.com", "mirror123.example.net",
           "dns-only.blocked.test"]
ALLOWED = ["www.allowed.test", "ok.militant.example", "blocked.test", "sub.www.blocked.test", "mirror1234.example.com",
           "notmilitant.example", "sni-only.blocked.test", "http-only.blocked.test", "future.blocked.test"]

pytestmark = pytest.mark.usefixtures("lab")


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("name", BLOCKED)
def test_blocked_name_gets_nodata_with_its_reason(name, family):
    answer = dig(name, "A", family)
    assert answer and answer.blocked, answer
    owner, ttl, _, soa = answer.authority[0]
    assert owner == name + "."
    assert 30 <= ttl <= 60
    assert 30 <= int(soa.split()[-1]) <= 60
    assert "ra" in answer.flags and "qr" in answer.flags and "ad" not in answer.flags
    assert answer.ede.startswith("16 (Censored)")
    assert "E2E-0000" in answer.ede and "https://appeals.test/" in answer.ede


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("name", ALLOWED)
def test_allowed_name_gets_the_servers_answer(name, family):
    assert [r[3] for r in dig(name, "A", family).records] == [SERVER4]
    assert [r[3] for r in dig(name, "AAAA", family).records] == [SERVER6]


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("qtype", WEB)
def test_web_types_are_blocked(qtype, family):
    assert dig("www.blocked.test", qtype, family, "+notcp", "+ignore").blocked


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("qtype", OTHER)
def test_other_types_are_left_alone_unless_the_order_says_all(qtype, family):
    assert dig("www.blocked.test", qtype, family).records
    assert dig("all-types.blocked.test", qtype, family).blocked


@pytest.mark.parametrize("family", [4, 6])
def test_without_edns_there_is_none_in_the_answer(family):
    answer = dig("www.blocked.test", "A", family, "+noedns")
    assert answer.blocked and not answer.edns and not answer.ede


@pytest.mark.parametrize("family", [4, 6])
def test_edns_flags_and_cookies(family):
    answer = dig("www.blocked.test", "A", family, "+dnssec", "+cookie=0123456789abcdef", "+bufsize=1400")
    assert answer.blocked and answer.edns
    assert re.search(r"flags: do;", answer.text)


def test_dns_0x20_case_is_matched_and_echoed():
    answer = dig("wWw.bLoCkEd.TeSt", "A", 4)
    assert answer.blocked
    assert "wWw.bLoCkEd.TeSt." in answer.text


def test_queries_without_rd_go_through():
    assert dig("www.blocked.test", "A", 4, "+norec").records


@pytest.mark.parametrize("family", [4, 6])
def test_kdig_agrees(family):
    blocked = run("client", "kdig", f"@{SERVERS[family]}", "www.blocked.test", "A", "+timeout=3", "+retry=0", "+edns").stdout
    assert "status: NOERROR" in blocked and "ANSWER: 0" in blocked and "www.blocked.test." in blocked
    assert re.search(r"EDE.*16", blocked), blocked
    allowed = run("client", "kdig", f"@{SERVERS[family]}", "www.allowed.test", "A", "+short").stdout
    assert allowed.strip() == SERVER4


def test_names_that_look_alike_are_not_confused():
    for name in ("www.blocked.test.example.org", "xwww.blocked.test", "ww.blocked.test", "mirror.example.com", "mirror7.example.org"):
        assert dig(name).records, name


def test_every_cause_has_its_row_and_its_count_in_status(lab):
    before = lab.status()["counters"]["causes"]["dns-rd-clear"]
    dig("www.blocked.test", "A", 4, "+norec")
    counters = lab.status()["counters"]
    assert counters["causes"]["dns-rd-clear"] == before + 1
    named = re.findall(r'^  X\(\w+, "([a-z0-9-]+)"', (TOP / "dataplane/base/cause.h").read_text(), re.M)[1:]
    assert list(counters["causes"]) == list(counters["policy"]) == named
    shown = subprocess.run([DIR / "bin/sluicectl", "status", "--causes", "--socket", DIR / "run/sluiced.sock"], capture_output=True,
                           text=True, check=True).stdout
    rows = dict(re.findall(r"^([a-z0-9-]+) +((?:always-)?(?:forward|drop)) +[0-9 ]+$", shown, re.M))
    assert list(rows) == named
    assert rows["dns-rd-clear"] == "forward" and rows["tombstone"] == "always-drop"


def test_why_says_what_clients_saw(lab):
    why = lab.ctl("why", "deep.www.militant.example")
    assert why["blocked"] is True
    assert why["order"] == "E2E-00001" and why["target"] == "militant.example" and why["scope"] == "subtree"
    assert lab.ctl("why", "www.allowed.test")["blocked"] is False
    assert lab.ctl("why", "ok.militant.example")["blocked"] is False

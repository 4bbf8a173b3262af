"""QUIC, asked by ngtcp2's client of ngtcp2's server (HTTP/3)."""
import pytest
from lab import shell

pytestmark = pytest.mark.usefixtures("lab")


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("name", ["www.allowed.test", "ok.militant.example", "dns-only.blocked.test"])
def test_allowed_name_reaches_the_server(name, family):
    assert shell(f"probe_quic {family} {name}").stdout.startswith("allowed")


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("name", ["deep.www.militant.example", "mirror7.example.com"])
def test_blocked_name_gets_no_handshake(lab, name, family):
    before = lab.status()["counters"]["blocked"]["quic"]
    assert shell(f"probe_quic {family} {name}").stdout.startswith("blocked")
    assert lab.status()["counters"]["blocked"]["quic"] > before

"""TLS and HTTP, asked by curl and openssl."""
import pytest
from lab import CURL_RESET, DIR, SERVERS, curl, run

BLOCKED = ["militant.example", "deep.www.militant.example", "www.blocked.test", "mirror7.example.com", "sni-only.blocked.test"]
ALLOWED = ["www.allowed.test", "ok.militant.example", "blocked.test", "sub.www.blocked.test", "dns-only.blocked.test",
           "notmilitant.example", "future.blocked.test", "http-only.blocked.test"]

pytestmark = pytest.mark.usefixtures("lab")


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("name", BLOCKED)
def test_blocked_server_name_is_reset(name, version, family):
    code, status, _ = curl(f"https://{name}/", family, f"--tlsv{version}", "--tls-max", version)
    assert code in CURL_RESET and status == 0


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("name", ALLOWED)
def test_allowed_server_name_reaches_the_server(name, version, family):
    assert curl(f"https://{name}/", family, f"--tlsv{version}", "--tls-max", version) == (0, 200, f"you reached {name} by https\n")


@pytest.mark.parametrize("family", [4, 6])
def test_any_port(family):
    assert curl("https://www.blocked.test:8443/", family)[0] in CURL_RESET
    assert curl("https://www.allowed.test:8443/", family)[1] == 200


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_openssl_client(version):
    def connect(name):
        return run("client", "openssl", "s_client", "-connect", f"{SERVERS[4]}:443", "-servername", name, version,
                   "-CAfile", DIR / "web/ca.crt", "-verify_return_error", "-brief", timeout=10)
    assert connect("www.allowed.test").returncode == 0
    refused = connect("www.blocked.test")
    assert refused.returncode != 0
    assert "CONNECTION ESTABLISHED" not in refused.stderr


def test_server_is_told_too():
    """The reset goes both ways: no half-open connection stays at the server."""
    curl("https://www.blocked.test/", 4)
    left = run("server", "ss", "-Htn", "state", "established", "( sport = :443 )").stdout
    assert left.strip() == ""


@pytest.mark.parametrize("family", [4, 6])
def test_http_host(family):
    assert curl("http://www.allowed.test/", family) == (0, 200, "you reached www.allowed.test by http\n")
    code, status, body = curl("http://http-only.blocked.test/", family)
    assert (code, status) == (0, 451)
    assert "Authority: End-to-end Test Authority" in body and "Appeal: https://appeals.test/" in body


def test_a_connection_that_was_open_stays_open():
    """Two requests on one connection, the second after the first name was answered."""
    code, status, body = curl("https://www.allowed.test/", 4, f"https://www.allowed.test/?again")
    assert code == 0 and body.count("you reached") == 2

"""A browser behind the gateway: what its user sees, by TCP and QUIC, plain and through the wraps of access networks."""
import contextlib
import subprocess

import pytest
from chromium import Chromium
from lab import CLIENT4, DIR, PREFIX, SERVER4, TOP, WAY_BACK_VNI, dig, measured, run, running, shell, until

# An access network between the client and the gateway and again behind it: each its own devices and addresses.
WRAPS = ("qinq", "pppoe", "vxlan", "foreign")  # foreign: a VXLAN tunnel that no --way-back names
WRAPPED_SERVER4 = {kind: f"198.19.{200 + i}.1" for i, kind in enumerate(WRAPS)}
# Answers go back through tags, PPPoE and tunnels that were configured; in others what is blocked falls, no more.
ANSWERED = ("qinq", "pppoe", "vxlan")
VNIS = {"vxlan": WAY_BACK_VNI, "foreign": WAY_BACK_VNI + 1}

DNS_BLOCKED = "https://deep.www.militant.example/"
ALLOWED, SNI_BLOCKED = "https://www.allowed.test/", "https://sni-only.blocked.test/"
HTTP_ALLOWED, HTTP_BLOCKED = "http://plain.allowed.test/", "http://http-only.blocked.test/"
QUIC_ALLOWED, QUIC_BLOCKED = "https://ok.militant.example/hello", "https://mirror7.example.com/hello"
FALLS_BACK = "https://quic-only.blocked.test:8443/hello"  # its TCP server offers QUIC


def wrapped(kind, verdict, path=""):
    """The URL of a name; with /hello it is asked for by QUIC alone."""
    zone = "allowed.test" if verdict == "allowed" else "militant.example"
    return f"https://{kind}{path.replace('/', '-')}.{zone}{path or '/'}"


URLS = [DNS_BLOCKED, ALLOWED, SNI_BLOCKED, HTTP_ALLOWED, HTTP_BLOCKED, QUIC_ALLOWED, QUIC_BLOCKED, FALLS_BACK,
        *(wrapped(kind, verdict, path) for kind in WRAPS for verdict in ("blocked", "allowed") for path in ("", "/hello"))]


def host(url):
    return url.split("/")[2]


def options():
    """Names that DNS would not lead to their server are mapped; QUIC is tried at once where no TCP server offers it."""
    mapped = {host(url): SERVER4 for url in (HTTP_ALLOWED, HTTP_BLOCKED, QUIC_ALLOWED, QUIC_BLOCKED)}
    mapped |= {host(url): address for kind, address in WRAPPED_SERVER4.items() for url in URLS if host(url).startswith(kind)}
    key = subprocess.run(f"openssl x509 -in {DIR}/web/server.crt -pubkey -noout | openssl pkey -pubin -outform der | "
                         "openssl dgst -sha256 -binary | base64", shell=True, check=True, capture_output=True, text=True).stdout
    by_quic = ",".join(f"{host(url)}:443" for url in URLS if url.endswith("/hello") and url != FALLS_BACK)
    return (f"--ignore-certificate-errors-spki-list={key.strip()}", f"--origin-to-force-quic-on={by_quic}",
            "--host-resolver-rules=" + ",".join(f"MAP {name} {address}" for name, address in mapped.items()))


def mac(ns):
    return run(ns, "cat", "/proc/net/arp").stdout.split(SERVER4 if ns == "client" else CLIENT4)[1].split()[2]


@contextlib.contextmanager
def wraps_up():
    """Both ends of every wrap: a device of the wrap's name, with an address, and a route to the other end."""
    ends = {"client": ("198.18", 10, "198.19", 1, CLIENT4, SERVER4), "server": ("198.19", 1, "198.18", 10, SERVER4, CLIENT4)}
    with contextlib.ExitStack() as stack:
        for ns, (net, own, far_net, far, local, remote) in ends.items():
            log = DIR / "log" / f"wrapper-{ns}"
            stack.enter_context(running(ns, TOP / "tests/e2e/wrapper.py", "eth0", mac(ns), "qinq", "qinq", "pppoe", "pppoe", log=log,
                                        ready=lambda log=log: "ready" in log.read_text()))
            commands = []
            for name, vni in VNIS.items():
                stack.callback(run, ns, "ip", "link", "del", name)
                commands.append(f"link add {name} type vxlan id {vni} local {local} remote {remote} dstport 4789 dev eth0")
            for i, kind in enumerate(WRAPS):
                commands += [f"link set {kind} mtu 1400 up", f"addr add {net}.{200 + i}.{own}/32 dev {kind}",
                             f"route add {far_net}.{200 + i}.{far} dev {kind} src {net}.{200 + i}.{own}"]
            done = subprocess.run(["ip", "-n", PREFIX + ns, "-batch", "-"], input="\n".join(commands), text=True, capture_output=True)
            assert done.returncode == 0, done.stderr
        yield


class Visit:
    """What became of every URL; of those that nobody answers, the error, or None while they load."""

    def __init__(self, lab, browser):
        before = lab.hits()["E2E-00010"]
        tabs = {url: browser.open(url) for url in URLS}
        silent = {wrapped(kind, "blocked") for kind in WRAPS if kind not in ANSWERED}
        self.pages = {url: browser.page(tab) for url, tab in tabs.items() if url not in silent}
        self.again = browser.visit([FALLS_BACK])[0]
        self.fell_back = until(lambda: lab.hits()["E2E-00010"] > before, 30)
        self.silent = {url: None if browser.is_loading(tabs[url]) else browser.page(tabs[url]).error for url in silent}


@pytest.fixture(scope="module")
def visit(lab):
    run("client", "ping", "-c1", "-w10", SERVER4)  # each end knows the other's address
    with lab.patient_wire(), wraps_up():
        dns = {kind: (dig("www.blocked.test", server=address), dig("www.allowed.test", server=address))
               for kind, address in WRAPPED_SERVER4.items()}
        with Chromium(*options(), prefix=(TOP / "scripts/lab/in", "client"), log=DIR / "log/chromium") as browser:
            made = Visit(lab, browser)
        made.dns = dns
    for page in made.pages.values():
        measured(f"{page.url}: {page.error or f'{page.status} by {page.protocol}'} after {page.seconds:.2f} s")
    return made


@pytest.mark.parametrize("url, protocol", [(ALLOWED, "h2"), (HTTP_ALLOWED, "http/1.1"), (QUIC_ALLOWED, "h3"), *(
    (wrapped(kind, "allowed", path), protocol) for kind in WRAPS for path, protocol in (("", "h2"), ("/hello", "h3")))])
def test_allowed_page_loads(visit, url, protocol):
    page = visit.pages[url]
    assert (page.error, page.status, page.protocol) == (None, 200, protocol)
    assert page.text.startswith("you reached ")


@pytest.mark.parametrize("url, error", [
    (DNS_BLOCKED, "net::ERR_NAME_NOT_RESOLVED"), (SNI_BLOCKED, "net::ERR_CONNECTION_RESET"),
    *((wrapped(kind, "blocked"), "net::ERR_CONNECTION_RESET") for kind in ANSWERED)])
def test_blocked_page_fails_at_once_by_what_it_was_told(visit, url, error):
    """No timeout: Chromium would call that ERR_TIMED_OUT or ERR_CONNECTION_TIMED_OUT."""
    assert visit.pages[url].error == error


def test_blocked_page_in_clear_text_says_why(visit):
    page = visit.pages[HTTP_BLOCKED]
    assert (page.error, page.status) == (None, 451)
    assert "Authority: End-to-end Test Authority" in page.text and "Appeal: https://appeals.test/" in page.text


@pytest.mark.parametrize("url", [QUIC_BLOCKED, *(wrapped(kind, "blocked", "/hello") for kind in WRAPS)])
def test_blocked_quic_handshake_is_never_answered(visit, url):
    assert visit.pages[url].error in ("net::ERR_QUIC_PROTOCOL_ERROR", "net::ERR_QUIC_HANDSHAKE_FAILED")


def test_page_whose_quic_is_blocked_loads_by_tcp(visit):
    first = visit.pages[FALLS_BACK]
    assert (first.error, first.protocol, visit.again.error, visit.again.protocol) == (None, "http/1.1", None, "http/1.1")
    assert visit.fell_back, "the second time, Chromium tries the QUIC that it was offered, too"


def test_where_no_reply_finds_the_way_the_block_holds(visit):
    """What the client sends again is dropped, too: all others have an answer, and this page has none."""
    assert visit.silent[wrapped("foreign", "blocked")] in (None, "net::ERR_TIMED_OUT", "net::ERR_CONNECTION_TIMED_OUT")


@pytest.mark.parametrize("kind", WRAPS)
def test_dns_in_a_wrap(visit, kind):
    blocked, allowed = visit.dns[kind]
    assert allowed.records
    assert blocked.blocked if kind in ANSWERED else blocked is None

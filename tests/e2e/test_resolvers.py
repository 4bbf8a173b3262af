"""Resolvers of the subscriber's side that forward through the gateway: a block must look sane to each of them."""
import pytest
from lab import DIR, SERVER4, SERVER6, dig, running

PORTS = {"unbound": 5301, "bind": 5302, "knot": 5303}


def write(name, text):
    folder = DIR / "resolvers" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "conf").write_text(text)
    return folder


def unbound():
    folder = write("unbound", f"""
server:
  interface: 127.0.0.1@{PORTS['unbound']}
  username: ""
  chroot: ""
  directory: "{DIR}/resolvers/unbound"
  pidfile: ""
  use-syslog: no
  module-config: "iterator"
  do-not-query-localhost: no
  local-zone: "test." nodefault
forward-zone:
  name: "."
  forward-addr: {SERVER4}
  forward-addr: {SERVER6}
remote-control:
  control-enable: no
""")
    return ["unbound", "-d", "-p", "-c", folder / "conf"]


def bind():
    folder = write("bind", f"""
options {{
  directory "{DIR}/resolvers/bind";
  listen-on port {PORTS['bind']} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  forward only;
  forwarders {{ {SERVER4}; {SERVER6}; }};
  dnssec-validation no;
  pid-file none;
  session-keyfile none;
  allow-query {{ any; }};
}};
controls {{ }};
""")
    return ["named", "-g", "-n", "1", "-c", folder / "conf"]


def knot():
    folder = write("knot", f"""
net.listen('127.0.0.1', {PORTS['knot']}, {{ kind = 'dns' }})
log_target('stderr')
trust_anchors.remove('.')
cache.open(10 * MB, 'lmdb://{DIR}/resolvers/knot')
policy.add(policy.all(policy.STUB({{ '{SERVER4}', '{SERVER6}' }})))
""")
    return ["kresd", "-n", "-c", folder / "conf", folder]


@pytest.fixture(scope="module", params=["unbound", "bind", "knot"])
def resolver(lab, request):
    """Its name, and a function that asks it."""
    kind = request.param

    def ask(name, qtype="A", *options):
        return dig(name, qtype, 4, "-p", str(PORTS[kind]), *options, server="127.0.0.1", timeout=2)

    command = {"unbound": unbound, "bind": bind, "knot": knot}[kind]()
    with running("client", *command, log=DIR / "log" / f"resolver-{kind}",
                 ready=lambda: (a := ask("ready.allowed.test")) and a.records):
        yield ask


def test_blocked_name_is_no_data_also_from_the_cache(resolver):
    for _ in range(3):
        answer = resolver("www.blocked.test")
        assert answer and answer.status == "NOERROR" and not answer.records, answer


def test_blocked_subtree_below_a_cached_block(resolver):
    for name in ("militant.example", "a.militant.example", "b.a.militant.example"):
        answer = resolver(name)
        assert answer and answer.status == "NOERROR" and not answer.records, (name, answer)


def test_neighbours_of_a_blocked_name_still_resolve(resolver):
    """NXDOMAIN for an exact name would take the names below it along (RFC 8020)."""
    resolver("www.blocked.test")
    for name in ("blocked.test", "sub.www.blocked.test", "www2.blocked.test", "www.allowed.test"):
        answer = resolver(name)
        assert answer and [r[3] for r in answer.records] == [SERVER4], (name, answer)


def test_other_types_of_a_blocked_name_still_resolve(resolver):
    assert resolver("www.blocked.test", "TXT").records
    assert resolver("www.blocked.test", "MX").records


def test_nothing_is_servfail(resolver):
    for name in ("www.blocked.test", "mirror7.example.com", "www.allowed.test", "dns-only.blocked.test"):
        for qtype in ("A", "AAAA", "HTTPS", "TXT"):
            answer = resolver(name, qtype)
            assert answer and answer.status == "NOERROR", (name, qtype, answer)

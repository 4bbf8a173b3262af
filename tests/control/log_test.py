"""The log from the outside: what a member of the public, an authority and another implementation of RFC 6962 see."""
import base64
import hashlib
import json
import subprocess
import urllib.request

import pytest
from gateway import BOTH, FEED, Gateway, until

PORT = 18480


@pytest.fixture(scope="module")
def gateway():
    made = Gateway()
    with open(made.config, "a") as config:
        config.write(f"log: {{origin: gateway.example/log, listen: '127.0.0.1:{PORT}'}}\n")
    made.up()
    made.publish("news.example.org")
    made.publish("news.example.org", "more.example.org")
    yield made
    made.close()


@pytest.fixture(scope="module")
def verifier(gateway):
    return gateway.log().split("verifier=", 1)[1].split()[0]


def fetch(path):
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}{path}", timeout=10) as answer:
        return answer.read()


def log_entries():
    tile, entries = fetch(f"/tile/entries/000.p/{fetch('/checkpoint').decode().split()[1]}"), []
    while tile:
        length = int.from_bytes(tile[:2], "big")
        entries.append(tile[2:2 + length])
        tile = tile[2 + length:]
    return entries


# -- RFC 6962, 2.1, once more and from the text alone -----------------------------------------------------------------

def leaf(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def root_by_path(index, size, node, path):
    """2.1.1: PATH(m, D[n]) splits at the largest power of two smaller than n."""
    if size == 1:
        assert not path
        return node
    k = 1
    while 2 * k < size:
        k *= 2
    *rest, last = path
    if index < k:
        return hashlib.sha256(b"\1" + root_by_path(index, k, node, rest) + last).digest()
    return hashlib.sha256(b"\1" + last + root_by_path(index - k, size - k, node, rest)).digest()


def tree_hash(entries):
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return leaf(entries[0])
    k = 1
    while 2 * k < len(entries):
        k *= 2
    return hashlib.sha256(b"\1" + tree_hash(entries[:k]) + tree_hash(entries[k:])).digest()


def test_the_log_says_what_is_enforced_and_passes_an_audit_from_files_and_over_http(gateway, verifier):
    for where in (gateway.dir / "state/log", f"http://127.0.0.1:{PORT}"):
        audit = json.loads(gateway.ctl("log", "verify", where, "--key", verifier, "--json").stdout)
        assert audit["ok"] and audit["lists"] == 2
        assert (audit["entries"]["order"], audit["entries"]["release"]) == (2, 2)
    other = verifier.replace("gateway.example", "another.example")
    assert gateway.ctl("log", "verify", gateway.dir / "state/log", "--key", other, check=False).returncode != 0


def test_another_implementation_of_rfc_6962_accepts_root_and_proof(gateway, verifier):
    origin, size, root = fetch("/checkpoint").decode().split("\n")[:3]
    assert origin == "gateway.example/log"
    entries = log_entries()
    assert len(entries) == int(size) and tree_hash(entries) == base64.b64decode(root)
    proof = json.loads(gateway.ctl("proof", "NCCIA-2026-00481", "--log", gateway.dir / "state/log", "--key", verifier,
                                   "--json").stdout)
    path = [bytes.fromhex(h) for h in proof["hashes"]]
    entry = proof["entry"].encode()
    assert json.loads(entry)["change"] == "changed" and json.loads(entry)["order"]["order"] == "NCCIA-2026-00481"
    assert root_by_path(proof["index"], proof["size"], leaf(entry), path) == base64.b64decode(root)
    text = gateway.ctl("proof", "NCCIA-2026-00481", "--log", gateway.dir / "state/log", "--key", verifier).stdout
    assert text.startswith("c2sp.org/tlog-proof@v1\nextra ") and f"\nindex {proof['index']}\n" in text


def test_target_lists_lie_beside_the_log_under_their_hash(gateway):
    seen = 0
    for entry in map(json.loads, log_entries()):
        if entry["type"] == "order":
            body = fetch("/targets/" + entry["targets"]["sha256"])
            assert hashlib.sha256(body).hexdigest() == entry["targets"]["sha256"]
            assert body.count(b"\n") == entry["targets"]["count"]
            seen += 1
    assert seen == 2


def test_each_bundle_is_acknowledged_and_minisign_verifies_it(gateway):
    receipts = until(lambda: [json.loads(r["receipt"]) for r in gateway.ask("receipts")["receipts"]], what="a receipt")
    newest = max(receipts, key=lambda r: r["seq"])
    until(lambda: (gateway.dir / f"state/receipts/pta.example-terror/1-{gateway.seq}.json.minisig").exists())
    file = gateway.dir / f"state/receipts/pta.example-terror/1-{gateway.seq}.json"
    key = gateway.dir / "state/gateway.pub"
    assert newest["feed"] == FEED and newest["counts"]["orders"] == 1 and newest["refusals"] == []
    gateway.ctl("receipt", "verify", file, "--key", key)
    subprocess.run(["minisign", "-V", "-p", key, "-m", file], check=True, capture_output=True)
    forged = gateway.dir / "forged.json"
    forged.write_bytes(file.read_bytes().replace(b'"refused":0', b'"refused":1'))
    assert gateway.ctl("receipt", "verify", forged, f"{file}.minisig", "--key", key, check=False).returncode == 1


def test_an_authority_keeps_a_log_of_what_it_orders(gateway):
    own = ("--dir", gateway.dir / "authority/log", "--key", gateway.dir / "authority/log.key")
    verifier = gateway.ctl("log", "init", "--origin", "log.pta.example/orders", *own).stdout.strip()
    first = gateway.sign(gateway.bundle("a.example.org"), *BOTH)
    gateway.ctl("log", "append", *own, first)
    second = gateway.sign(gateway.bundle("b.example.org"), *BOTH)
    gateway.ctl("log", "append", *own, second, second)
    audit = json.loads(gateway.ctl("log", "verify", gateway.dir / "authority/log", "--key", verifier, "--json").stdout)
    assert audit["ok"] and audit["entries"] == {"order": 2, "release": 2}
    assert gateway.ctl("log", "append", *own, first, check=False).returncode == 1
    proof = second.with_name(second.name + ".proof").read_text()
    assert "\nindex 3\n" in proof and "log.pta.example/orders\n4\n" in proof

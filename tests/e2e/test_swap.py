"""200 image swaps, good and bad mixed, under DNS and HTTPS load."""
import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys

from lab import BASE, CURL_RESET, DIR, FEED, SERVER4, TOP, curl, in_ns, measured, shell, until

SWAPS = 200
QUERIES = 20000


def image_of(lab, orders, folder):
    """An image of these orders, made by sluice-compile in one shot, with a state of its own beside that of the gateway."""
    bundle = lab.bundle(orders)
    out = DIR / "swap" / folder
    config = DIR / "swap/sluice.yaml"
    shell(f"""install -d -m 755 {DIR}/swap
      install -d -m 750 -o "$lab_compile_uid" -g "$lab_gid" {out} {DIR}/swap/state
      sed 's|state: {DIR}/compile}}|state: {DIR}/swap/state}}|' {DIR}/etc/sluice.yaml >{config}
      chmod 755 {DIR}/authority; chmod 644 {bundle}*""")
    signatures = [f"--signature {FEED}={path}" for path in bundle.parent.glob(bundle.name + ".*.minisig")]
    done = shell(f"""unshare --net -- setpriv --reuid "$lab_compile_uid" --regid "$lab_gid" --clear-groups "$(lab_program sluice-compile)" \
      --config {config} --bundle {FEED}={bundle} {' '.join(signatures)} --out {out}""")
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    assert answer["ok"], answer
    return pathlib.Path(answer["image"])


def resident_kb(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1))


def bad_images(good):
    body = good.read_bytes()
    flipped = bytearray(body)
    flipped[len(body) // 3] ^= 1
    for what, content in (("cut", body[:-100]), ("flipped", bytes(flipped)), ("empty", b""), ("text", b"not an image\n" * 50)):
        path = DIR / "swap" / f"bad-{what}.img"
        path.write_bytes(content)
        yield path


@contextlib.contextmanager
def resting_sluiced():
    """Images are handed over behind its back, and it would put its own back."""
    shell("lab_stop sluiced")
    try:
        yield
    finally:
        shell("lab_start_sluiced")


def test_200_swaps_under_load(lab):
    one = image_of(lab, BASE, "one")
    two = image_of(lab, BASE + [(20, dict(targets=["exact:swap.blocked.test"])),
                                (21, dict(targets=[f"exact:n{i}.filler.test" for i in range(2000)]))], "two")
    bad = list(bad_images(one))
    before_hits, before_drops = lab.hits(), lab.drops()
    pid = lab.pid("dataplane")
    with resting_sluiced(), lab.patient_wire():
        stop = DIR / "swap/stop"
        stop.unlink(missing_ok=True)
        judge = subprocess.Popen(
            in_ns("client", sys.executable, "-B", TOP / "tests/e2e/load.py", SERVER4, 60, 1000, "www.blocked.test=blocked",
                  "www.allowed.test=allowed", "deep.militant.example=blocked", "swap.blocked.test=either"),
            stdout=subprocess.PIPE, text=True, env={**os.environ, "STOP_FILE": str(stop)})
        queries = DIR / "swap/queries"
        queries.write_text("".join("mirror7.example.com A\n" if i % 4 == 0 else f"d{i}.allowed.test A\n" for i in range(QUERIES)))
        perf = subprocess.Popen(in_ns("client", "dnsperf", "-s", SERVER4, "-d", queries, "-n", "1", "-Q", "2500", "-q", "200"),
                                stdout=subprocess.PIPE, text=True)
        web = {"allowed": 0, "blocked": 0, "wrong": []}
        sizes, refused, loaded = [], 0, 0
        for i in range(SWAPS):
            image = bad[i // 2 % len(bad)] if i % 2 else (one, two)[i // 2 % 2]
            answer = lab.telemetry(f"/sluice/load,{image}")
            assert bool(answer["ok"]) == (image not in bad), (image, answer)
            refused += image in bad
            loaded += image not in bad
            sizes.append(resident_kb(pid))
            if i % 6 == 0:  # while one image is in force, and the other
                judge_web(web)
        stop.touch()
        asked = json.loads(judge.communicate(timeout=30)[0])
        dnsperf = perf.communicate(timeout=60)[0]
    measured(f"swaps: {loaded} good, {refused} refused; load.py: {asked}; https: {web}; "
          f"resident: {sizes[20]} kB after 20, {sizes[-1]} kB after {SWAPS}")
    assert loaded == SWAPS // 2 and refused == SWAPS // 2
    assert asked["asked"] > SWAPS  # the machine says how many more
    assert asked["lost"] == 0 and asked["wrong"] == 0 and asked["twice"] == 0
    assert web["wrong"] == [] and web["allowed"] > 10 and web["blocked"] > 10
    assert re.search(rf"Queries completed:\s+{QUERIES} \(100.00%\)", dnsperf), dnsperf
    assert lab.drops() == before_drops
    assert max(sizes[20:]) - sizes[20] < 4096, "memory grows with swaps"
    until(lambda: lab.ctl("orders", check=False), 10)
    hits = {key: value - before_hits.get(key, 0) for key, value in lab.hits().items()}
    seen = asked["seen"]
    assert hits["E2E-00002"] == seen["www.blocked.test"]["blocked"] + web["blocked"]
    assert hits["E2E-00001"] == seen["deep.militant.example"]["blocked"]
    assert hits["E2E-00003"] == QUERIES // 4
    assert seen["swap.blocked.test"].get("blocked", 0) > 0 and seen["swap.blocked.test"].get("allowed", 0) > 0


def judge_web(web):
    """One allowed and one blocked connection. A blocked one is counted once in the hits: it never asks DNS."""
    got = curl("https://www.allowed.test/", 4)
    if got[1] == 200:
        web["allowed"] += 1
    else:
        web["wrong"].append(got)
    got = curl("https://www.blocked.test/", 4)
    if got[0] in CURL_RESET:
        web["blocked"] += 1
    else:
        web["wrong"].append(got)


def test_orders_take_effect_and_go_through_the_whole_chain(lab):
    """bundle → sluiced → sluice-compile → data plane: the new order blocks, and is gone with the next bundle."""
    from lab import dig
    lab.publish(BASE + [(20, dict(targets=["exact:swap.blocked.test"]))])
    assert dig("swap.blocked.test").blocked
    assert dig("www.blocked.test").blocked
    lab.publish(BASE)
    assert dig("swap.blocked.test").records
    assert dig("www.blocked.test").blocked

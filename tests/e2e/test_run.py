"""scripts/run as a user calls it: the check, on real ports in observe, and after a kill -9."""
import os
import signal
import subprocess

import pytest
from lab import DIR, PREFIX, TOP, dig, in_ns, shell, until

RUN_PREFIX = "sluice-e2erun-"
RUN_DIR = DIR.with_name("sluice-e2erun")


def environment(**more):
    return {**os.environ, "lab_prefix": RUN_PREFIX, "lab_dir": str(RUN_DIR), **more}


def leftovers():
    names = [ns for ns in os.listdir("/run/netns") if ns.startswith(RUN_PREFIX)] if os.path.isdir("/run/netns") else []
    return names + [str(p) for p in (RUN_DIR,) if p.exists()]


def test_check_passes_and_leaves_nothing():
    done = subprocess.run(["scripts/run", "--check"], cwd=TOP, env=environment(), capture_output=True, text=True, timeout=120,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    assert leftovers() == []


def test_killed_run_is_cleaned_up_by_the_next_one():
    log = DIR / "log/scripts-run"
    with open(log, "w") as out:
        first = subprocess.Popen(["scripts/run"], cwd=TOP, env=environment(), stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                 start_new_session=True)
        until(lambda: "Ctrl-C" in log.read_text(), 90, alive=first)
    first.kill()
    first.wait()
    assert leftovers(), "what was killed could not clean up"
    again = subprocess.run(["scripts/run", "--check"], cwd=TOP, env=environment(), capture_output=True, text=True, timeout=120,
                           stdin=subprocess.DEVNULL)
    assert again.returncode == 0, again.stdout + again.stderr
    assert leftovers() == []


@pytest.fixture
def ports_without_programs(lab):
    shell("lab_gateway_down")
    yield
    shell("lab_wire attach \"${lab_pairs[@]}\" --group $lab_gid; lab_start_compile; lab_start_dataplane; lab_start_sluiced")
    shell(f"lab_until 20 lab_enforced {lab.seq}")


def test_real_ports_observe_only(ports_without_programs):
    log = DIR / "log/scripts-run-ports"
    with open(log, "w") as out:
        run = subprocess.Popen(in_ns("gateway", "scripts/run", "--ports", "subscriber=xdp:eth1,internet=xdp:eth2"), cwd=TOP,
                               env=environment(), stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            until(lambda: "Ctrl-C" in log.read_text(), 90, alive=run, what=log)
            assert dig("www.militant.example").records, "observe answers nothing"
            status = subprocess.run([RUN_DIR / "bin/sluicectl", "status", "--socket", RUN_DIR / "run/sluiced.sock", "--json"],
                                    capture_output=True, text=True, timeout=20).stdout
            assert '"observe"' in status
        finally:
            run.send_signal(signal.SIGINT)
            assert run.wait(30) == 130
    assert leftovers() == []
    assert dig("www.allowed.test", timeout=1) is None, "the program is off: nothing bridges the ports"

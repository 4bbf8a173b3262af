import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import lab as lab_module  # noqa: E402


@pytest.fixture(scope="session")
def lab():
    """One lab for the whole run. A second run of the same prefix waits its turn."""
    lock = lab_module.DIR.with_suffix(".test-lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with subprocess.Popen(["flock", lock, "cat"], stdin=subprocess.PIPE) as holder:
        made = lab_module.Lab()
        try:
            made.up()
            yield made
        finally:
            made.down()
            holder.stdin.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure carries the tails of the lab's logs."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        report.sections.append(("logs of the lab", lab_module.logs()))


def pytest_terminal_summary(terminalreporter):
    """Packets lost, gaps, totals: what the tests measured on the way."""
    terminalreporter.section("measured")
    for line in lab_module.MEASURED:
        terminalreporter.write_line(line)

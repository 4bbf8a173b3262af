"""Chromium without a window, driven over its debugging pipe (Chrome DevTools Protocol): several pages per start."""
import contextlib
import dataclasses
import json
import os
import select
import signal
import subprocess
import tempfile
import time

PROGRAM = "chromium"
# No traffic but what is asked for, no retry behind our back, no sandbox (root cannot have one).
OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-sync",
           "--no-default-browser-check", "--disable-background-networking", "--disable-component-update", "--disable-extensions",
           "--disable-default-apps", "--disable-domain-reliability", "--no-pings", "--no-proxy-server",
           "--ignore-certificate-errors", "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,OptimizationHints",
           "--remote-debugging-pipe", "about:blank")
START_S = 60  # on a slow machine with two cores that does other things, too


PAGE_S = 60
TELL = """new Promise(done => {
  const tell = () => {
    const { responseStatus, nextHopProtocol } = performance.getEntriesByType("navigation")[0];
    done({ status: responseStatus, protocol: nextHopProtocol, text: document.body.innerText });
  };
  document.readyState == "complete" ? tell() : addEventListener("load", tell);
})"""


@dataclasses.dataclass
class Page:
    """What became of one URL. `error`: None or Chromium's own name, net::ERR_…; `seconds` until it was known."""
    url: str
    error: str | None
    seconds: float
    status: int = 0
    protocol: str = ""  # http/1.1, h2, h3
    text: str = ""


class Chromium:
    """One running browser. `prefix` is put before its command (a namespace), `options` are added to it."""

    def __init__(self, *options, prefix=(), log=None):
        self.options, self.prefix, self.log = options, prefix, log
        self.last_id, self.buffer, self.early = 0, b"", {}

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.home = stack.enter_context(tempfile.TemporaryDirectory(prefix="chromium-"))
            log = stack.enter_context(open(self.log or os.devnull, "wb"))
            command_out, self.commands = os.pipe()
            self.answers, answer_in = os.pipe()
            # The browser reads commands from descriptor 3 and writes answers to 4.
            script = f'exec "$@" 3<&{command_out} 4>&{answer_in}'
            self.process = subprocess.Popen(
                [*self.prefix, "bash", "-c", script, "bash", PROGRAM, f"--user-data-dir={self.home}", *self.options, *OPTIONS],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(command_out, answer_in), start_new_session=True,
                env={**os.environ, "HOME": self.home})
            os.close(command_out)
            os.close(answer_in)
            stack.callback(self.end)
            self.call("Browser.getVersion", timeout=START_S)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *failure):
        self.stack.__exit__(*failure)

    def end(self):
        with contextlib.suppress(Exception):
            self.call("Browser.close")
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self.commands)
        os.close(self.answers)

    def send(self, method, session=None, **params):
        self.last_id += 1
        message = {"id": self.last_id, "method": method, "params": params, **({"sessionId": session} if session else {})}
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        return self.last_id

    def receive(self, end):
        """The next message of the browser."""
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.answers], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise TimeoutError("chromium does not answer")
            piece = os.read(self.answers, 1 << 16)
            if not piece:
                raise EOFError(f"chromium ended with {self.process.wait()}")
            self.buffer += piece
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def answer(self, number, timeout):
        """The result of that call, and when it came; what comes before it is kept."""
        end = time.monotonic() + timeout
        while number not in self.early:
            message = self.receive(end)
            if "id" in message:
                self.early[message["id"]] = message, time.monotonic()
        message, at = self.early.pop(number)
        if "error" in message:
            raise RuntimeError(message["error"])
        return message["result"], at

    def call(self, method, session=None, timeout=30, **params):
        return self.answer(self.send(method, session, **params), timeout)[0]

    def visit(self, urls):
        """Opens all of them at once, each in a tab of its own; the Pages in the order of the URLs."""
        return [self.page(tab) for tab in [self.open(url) for url in urls]]

    def open(self, url):
        """Begins to load it; the tab is for `page` or `is_loading`."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return url, session, self.send("Page.navigate", session, url=url), time.monotonic()

    def is_loading(self, tab):
        """Nothing is known yet: no page, no error."""
        self.call("Browser.getVersion")  # whatever came before its answer is kept now
        return tab[2] not in self.early

    def page(self, tab, timeout=PAGE_S):
        """Waits for what becomes of it."""
        url, session, navigation, began = tab
        result, at = self.answer(navigation, timeout)
        error, seconds = result.get("errorText"), at - began
        if error:
            return Page(url, error, seconds)
        value = self.call("Runtime.evaluate", session, timeout, expression=TELL, awaitPromise=True, returnByValue=True)
        return Page(url, None, seconds, **value["result"]["value"])

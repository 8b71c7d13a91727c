"""A headless Chromium, through the WebDriver protocol (W3C) over plain HTTP."""

import base64
import json
import re
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
TAB, ENTER = "\ue004", "\ue007"
# How long a page may take to do what it should, in seconds.
PATIENCE = 20


class Browser:
    """One window. Everything it opens is closed with it."""

    def __init__(self, width, height, dark):
        self.profile = tempfile.TemporaryDirectory(prefix="enrol-")
        self.driver = subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in self.driver.stdout:
            if found := re.search(r"successfully on port (\d+)", line):
                break
        self.base = f"http://127.0.0.1:{found[1]}"
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     f"--user-data-dir={self.profile.name}", f"--window-size={max(width, 500)},{height}"]
        options = {"args": arguments}
        capabilities = {"browserName": "chrome", "goog:chromeOptions": options,
                        "goog:loggingPrefs": {"browser": "ALL"}}
        session = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})
        self.base += f"/session/{session['sessionId']}"
        metrics = {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": width < 500}
        self.devtools("Emulation.setDeviceMetricsOverride", metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.devtools("Emulation.setEmulatedMedia", {"features": [scheme]})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.ask("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait(30)
            self.profile.cleanup()

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return json.load(reply)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(json.load(error)["value"]["message"]) from None

    def devtools(self, command, parameters):
        self.ask("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def open(self, url):
        self.ask("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        return self.ask("POST", "/execute/sync", {"script": f"return {script}", "args": list(arguments)})

    def type(self, text):
        """Keys, to whatever has the focus."""
        focused = self.ask("GET", "/element/active")[ELEMENT]
        self.ask("POST", f"/element/{focused}/value", {"text": text})

    def press(self, key):
        keys = [{"type": kind, "value": key} for kind in ("keyDown", "keyUp")]
        self.ask("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": keys}]})

    def focus(self):
        return self.run("document.activeElement.id || document.activeElement.textContent.trim()")

    def tab_to(self, name):
        """Presses the tab key until the focus is there."""
        for _ in range(20):
            if self.focus() == name:
                return
            self.press(TAB)
        raise AssertionError(f"the keyboard does not reach {name}; it is at {self.focus()}")

    def wait(self, script, what):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if found := self.run(script):
                return found
            time.sleep(0.05)
        raise AssertionError(f"{what}: not seen within {PATIENCE} s; the page says: {self.run('document.body.innerText')}")

    def screenshot(self, file):
        with open(file, "wb") as picture:
            picture.write(base64.b64decode(self.ask("GET", "/screenshot")))

    def complaints(self):
        """What the browser's console says is wrong, such as a breach of the page's policy."""
        entries = self.ask("POST", "/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]

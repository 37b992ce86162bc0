"""A browser, driven by the W3C WebDriver protocol over plain HTTP: Debian's chromedriver and chromium, nothing else."""
import base64
import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
STARTED = "was started successfully on port "
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--disable-quic", "--disable-default-apps", "--no-default-browser-check",
             "--disable-search-engine-choice-screen", "--lang=en"]
KEYS = {"tab": "\ue004", "enter": "\ue007", "space": " ", "shift": "\ue008", "down": "\ue015", "end": "\ue010", "home": "\ue011",
        "control": "\ue009"}


class Failed(Exception):
    """What the browser or the page did not do."""


class Driver:
    """One chromedriver process; browsers are its sessions."""

    def __init__(self):
        # A group of its own: whatever happens, the browsers end with it.
        self.process = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        start_new_session=True)
        self.port = None
        for line in self.process.stdout:
            if STARTED in line:
                self.port = int(line.split(STARTED)[1].rstrip(".\n"))
                break
        if not self.port:
            raise Failed("chromedriver did not start")

    def call(self, method, path, body=None, timeout=60):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        value = answer["value"]
        if isinstance(value, dict) and "error" in value:
            raise Failed(value["error"] + ": " + value["message"].split("\n")[0])
        return value

    def close(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.process.stdout.close()


class Browser:
    """One browser with a profile of its own below `folder`, which begins empty."""

    def __init__(self, driver, folder):
        self.driver = driver
        self.profile = tempfile.mkdtemp(prefix="profile-", dir=folder)
        self.downloads = os.path.join(self.profile, "downloads")
        os.mkdir(self.downloads)
        options = {"binary": shutil.which("chromium"), "args": ARGUMENTS + ["--user-data-dir=" + self.profile],
                   "prefs": {"download.default_directory": self.downloads, "download.prompt_for_download": False}}
        answer = driver.call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}})
        self.path = "/session/" + answer["sessionId"]

    def close(self):
        try:
            self.driver.call("DELETE", self.path)
        finally:
            shutil.rmtree(self.profile, ignore_errors=True)

    def post(self, path, **body):
        return self.driver.call("POST", self.path + path, body)

    def cdp(self, command, **parameters):
        return self.post("/goog/cdp/execute", cmd=command, params=parameters)

    def open(self, url):
        self.post("/url", url=url)

    def run(self, script, *arguments):
        """The script is the body of an async function; its value comes back."""
        return self.post("/execute/sync", script="return (async (...a) => {" + script + "})(...arguments);", args=list(arguments))

    def module(self, path, call):
        """Loads a file of ours beside the page's own modules and awaits `call` of it; for documents without a policy against that."""
        with open(path) as file:
            text = file.read()
        return self.run("""const text = a[0].replaceAll('import("/', 'import("' + location.origin + '/');
            const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
            const it = await import(url);
            return await it.""" + call + ";", text)

    def inside(self, path, call):
        """Runs a file of functions in the page itself, whatever its policy, and returns what `call` does."""
        with open(path) as file:
            return self.run(file.read().replace("export function", "function") + "\nreturn " + call + ";")

    def find(self, selector):
        return self.post("/element", using="css selector", value=selector)[ELEMENT]

    def text(self, selector):
        return self.run("const e = document.querySelector(a[0]); return e && e.checkVisibility() ? e.innerText : '';", selector)

    def click(self, selector):
        self.post("/element/" + self.find(selector) + "/click")

    def type_into(self, selector, text):
        self.post("/element/" + self.find(selector) + "/value", text=text)

    def press(self, *keys):
        """One key, or a chord whose first keys are held."""
        codes = [KEYS.get(key, key) for key in keys]
        actions = [{"type": "keyDown", "value": code} for code in codes] + [{"type": "keyUp", "value": code} for code in reversed(codes)]
        self.post("/actions", actions=[{"type": "key", "id": "keyboard", "actions": actions}])

    def type_text(self, text):
        actions = [{"type": kind, "value": c} for c in text for kind in ("keyDown", "keyUp")]
        self.post("/actions", actions=[{"type": "key", "id": "keyboard", "actions": actions}])

    def until(self, what, check, seconds=15):
        """The check's first true value; fails with `what` and the check's last value when time is over."""
        end = time.monotonic() + seconds
        while True:
            value = check()
            if value:
                return value
            if time.monotonic() > end:
                raise Failed("not within %d s: %s (%r)" % (seconds, what, value))
            time.sleep(0.1)

    def until_text(self, selector, part, seconds=15):
        return self.until("%s shows %r" % (selector, part), lambda: part in self.text(selector) and self.text(selector), seconds)

    def log(self):
        return self.post("/se/log", type="browser")

    def size(self, width, height, scale=1):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False)

    def scheme(self, name):
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def picture(self, path):
        shot = self.cdp("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))

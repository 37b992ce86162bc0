#!/usr/bin/env python3
"""The page in a real browser, against a real node with a manual clock: what one visitor does, sees, and cannot be made to believe.

  page_story.py WINNOW STATE WORK     the program (called winnow), the node's state folder, a folder for files

Prints a line for each failure, then "N passed, N failed, N skipped".
"""
import glob
import json
import os
import random
import signal
import subprocess
import sys
import time
import traceback
import urllib.request

from page_driver import Browser, Driver, Failed

HERE = os.path.dirname(os.path.abspath(__file__))
ACCESS, LIES, TREES = (os.path.join(HERE, "page_" + name + ".js") for name in ("access", "lies", "trees"))
WINNOW, STATE, WORK = sys.argv[1:4]
POST = "A passer-by helped me carry my bicycle up the long stairs of the station."
NEAR = "The boy from number nine shovels the whole street before school and rings no bell for any thanks."
PASSWORD, WRONG = "correct horse 7", "correct horse 8"
EPOCHS_MOST, TABS_MOST, SERIES, SAMPLES = 4, 40, 24, 12
NAMED = {"button", "link", "textbox", "combobox", "checkbox", "img", "navigation", "region", "DisclosureTriangle"}

checks = []


def check(function):
    checks.append(function)
    return function


def need(condition, complaint):
    if not condition:
        raise Failed(str(complaint))


def winnow(*arguments):
    done = subprocess.run([WINNOW, *arguments, "--node.state", STATE], capture_output=True, text=True, timeout=60)
    need(done.returncode == 0, "winnow %s: %s" % (" ".join(arguments), done.stdout + done.stderr))
    return done.stdout


def node(path):
    with urllib.request.urlopen(story.url + path, timeout=20) as answer:
        return json.loads(answer.read())


class Story:
    """What one check leaves to the next."""

    def __init__(self, driver):
        with open(os.path.join(STATE, "run", "serve.address")) as file:
            self.url = file.read().strip()
        self.driver = driver
        self.browser = Browser(driver, WORK)
        self.other = None
        self.vote = self.copy = self.did = None

    def close(self):
        for browser in (self.browser, self.other):
            if browser:
                browser.close()


def tab_to(browser, element):
    """Presses Tab until the element has the focus; every stop on the way must show that it has it."""
    for _ in range(TABS_MOST):
        browser.press("tab")
        complaint = browser.inside(ACCESS, "focusShown()")
        need(not complaint, complaint)
        if browser.run("return document.activeElement.id") == element:
            return
    raise Failed("Tab does not reach #%s" % element)


def page_errors(browser):
    """What the console has told since last time. A checkpoint that is a moment late is an answer, not an error."""
    return [line["message"] for line in browser.log() if line["level"] in ("SEVERE", "WARNING") and
            not ("/v1/journal/proof" in line["message"] and " 409 " in line["message"])]


def accessible(browser, where):
    for call in ("structure()", "room()"):
        found = browser.inside(ACCESS, call)
        need(not found, "%s: %s" % (where, "; ".join(found[:5])))
    for scheme in ("light", "dark"):
        browser.scheme(scheme)
        found = browser.inside(ACCESS, "contrast()")
        need(not found, "%s, %s: %s" % (where, scheme, "; ".join(found[:5])))
    browser.scheme("light")
    # What the browser tells a screen reader, computed by itself.
    for each in browser.cdp("Accessibility.getFullAXTree")["nodes"]:
        role = each.get("role", {}).get("value")
        if not each.get("ignored") and role in NAMED:
            need(each.get("name", {}).get("value", "").strip(), "%s: a %s has no name: %r" % (where, role, each))


@check
def a_first_visit_makes_a_key_and_registers_nothing():
    browser = story.browser
    browser.open(story.url + "/")
    story.did = browser.until_text("#did", "did:key:z6Mk")
    browser.until_text("#now", "under a signed checkpoint")
    need("sample network" in browser.text("#sample"), "the sample does not say that it is one")
    entries = node("/v1/journal/entries?count=1000")["entries"]
    need(not any(e["entry"].get("did") == story.did for e in entries), "a visit alone wrote an account into the journal")
    need(browser.text("#items") == "None yet." and browser.text("#free") == "0 WIN", "a fresh key owns something")


@check
def a_post_is_given_by_the_keyboard_alone():
    browser = story.browser
    browser.run("document.activeElement.blur(); getSelection().removeAllRanges()")
    tab_to(browser, "text")
    browser.type_text(POST)
    tab_to(browser, "give-it")
    browser.press("enter")
    browser.until_text("#items", POST)
    browser.until_text("#items", "Repeats nothing.")
    browser.until_text("#items", "Judged; the verdict comes")
    need(browser.run("return document.activeElement.id") == "give-it", "the focus was lost")


@check
def a_post_is_judged_by_the_keyboard_alone_and_the_vote_opens_by_itself():
    browser = story.browser
    tab_to(browser, "take")
    browser.press("enter")
    browser.until("a task has the focus", lambda: browser.run("return document.activeElement.id") == "task")
    words = browser.text("#content")
    need(words and words != POST, "the task is empty, or one's own post")
    browser.press("3")
    browser.until_text("#votes", words[:20])
    need(browser.run("return document.activeElement.id") == "take", "the focus is not where the next task is taken")
    browser.until_text("#votes", "opened, checkpoint and sealed votes verified")
    note = json.loads(browser.run("return Object.entries(localStorage).find(([name]) => name.startsWith('winnow-votes-'))[1]"))[0]
    browser.until("the node counted the opened vote",
                  lambda: node("/v1/rounds/%s/%d" % (note["item_id"], note["round"]))["state"] == "tallied")


@check
def what_repeats_is_shown_as_repeating():
    browser = story.browser
    browser.type_into("#text", NEAR)
    browser.click("#give-it")
    browser.until_text("#items", "parts are the same.")
    need("Repeats an earlier post" in browser.text("#items"), browser.text("#items"))
    need("Not judged and not paid, because it repeats." in browser.text("#items"), browser.text("#items"))
    browser.type_into("#text", NEAR)
    browser.click("#give-it")
    browser.until_text("#give-answer", "You gave this before; it counts once.")
    need(browser.run("return document.querySelectorAll('#items > li').length") == 2, "the same post stands there twice")


@check
def a_verdict_and_a_payout_follow():
    browser = story.browser
    for _ in range(EPOCHS_MOST):
        winnow("clock", "--advance", "60s")
        try:
            browser.until_text("#items", "Accepted: kindness, ", 5)
            break
        except Failed:
            pass
    browser.until_text("#items", "% likely to be worth keeping.")
    browser.until("the account holds more than nothing", lambda: browser.text("#free") not in ("", "0 WIN"))
    browser.until_text("#moves", "WIN for a post, pay round")
    browser.until_text("#votes", "the verdict is")


@check
def a_deposit_is_made_and_taken_back():
    browser = story.browser
    free = browser.text("#free")
    browser.type_into("#amount", "0.25")
    browser.click("#stake")
    browser.until_text("#deposit-answer", "Deposited.")
    browser.until_text("#bonded", "0.25 WIN")
    need(browser.text("#free") != free, "free and deposit both hold the amount")
    browser.type_into("#amount", "a lot")
    browser.click("#stake")
    browser.until_text("#deposit-answer", "An amount is a number such as")
    browser.run("document.querySelector('#amount').value = ''")
    browser.type_into("#amount", "0.25")
    browser.click("#unstake")
    browser.until_text("#deposit-answer", "On its way back")


def series_lines():
    """Windows of a machine, each its own: a seed draws them; one reading of each is missing."""
    draw = random.Random(20260101)
    for w in range(SERIES):
        load, memory, samples = draw.randint(0, 400), draw.randint(10 ** 6, 10 ** 7), []
        for s in range(SAMPLES):
            load, memory = max(0, load + draw.randint(-60, 60)), memory + draw.randint(-90000, 90000)
            samples.append([1767225600000 + 1000000 * w + 2000 * s, load, memory if s != 4 else None])
        yield json.dumps({"source": "machine", "source_id": "page-%d" % w, "content": {"device": "bench.%d" % w, "samples": samples, "channels": [
            {"name": "load1", "unit": "1", "exponent": -2}, {"name": "memory_available", "unit": "KiB", "exponent": 0}]}})


@check
def a_series_is_drawn_and_told_in_words():
    browser, lines, key = story.browser, os.path.join(WORK, "series.ndjson"), os.path.join(WORK, "machine.key")
    with open(lines, "w") as file:
        file.write("\n".join(series_lines()) + "\n")
    winnow("key", key)
    winnow("submit", "--campaign", "sample-machine", "--key", key, lines)
    browser.run("document.querySelector('#campaign').focus()")
    browser.type_text("sample-m")
    browser.until_text("#terms", "series of a sensor")
    need("come from sensors" in browser.text("#no-give") and not browser.text("#give"), "a series is asked for as a text")

    def take():
        if not browser.text("#task"):
            browser.click("#take")
        time.sleep(0.2)
        return browser.text("#task")
    browser.until("a series is free", take)
    shown = browser.run("""return { labels: [...document.querySelectorAll("#content svg[role=img]")].map((e) => e.getAttribute("aria-label")),
        lines: document.querySelectorAll("#content polyline").length, rows: document.querySelectorAll("#content tbody tr").length,
        cells: document.querySelector("#content tbody").textContent, head: document.querySelector("#content thead").textContent,
        boxes: [...document.querySelectorAll("#content svg")].map((e) => { const b = e.getBBox(); return b.width > 500 && b.height > 50; }) }""")
    device = browser.run("return document.querySelector('#content caption').textContent").split()[-1]
    window = next(w for w in map(json.loads, series_lines()) if w["content"]["device"] == device)["content"]["samples"]
    loads, memories = [s[1] for s in window], [s[2] for s in window if s[2] is not None]
    hundredths = lambda n: ("%d.%02d" % (n // 100, n % 100)).rstrip("0").rstrip(".")
    need(shown["labels"] == [
        "load1: %d readings in 22 s, from %s to %s." % (SAMPLES, hundredths(min(loads)), hundredths(max(loads))),
        "memory available (KiB): %d readings in 22 s, from %d to %d, 1 missing." % (SAMPLES, min(memories), max(memories))], shown["labels"])
    need(shown["lines"] == 3 and all(shown["boxes"]), "the lines are not drawn, or not broken where a reading is missing: %r" % shown)
    need(shown["rows"] == SAMPLES and "missing" in shown["cells"] and shown["head"] == "Secondload1memory available (KiB)", shown)
    browser.run("document.querySelector('#content details').open = true")
    accessible(browser, "a series")


@check
def a_task_survives_a_reload():
    browser = story.browser
    before = browser.run("return document.querySelector('#content caption').textContent")
    browser.open(story.url + "/")
    browser.until_text("#judge-answer", "You took this task earlier.")
    need(browser.run("return document.querySelector('#content caption').textContent") == before, "another task came back")
    need(browser.text("#did") == story.did, "another key came back")
    browser.run("document.querySelector('#task').focus()")
    browser.press("2")
    browser.until_text("#votes", "\u201cplausible\u201d on \u201ca series\u201d: ")


@check
def released_datasets_are_shown_and_their_commands_work():
    browser = story.browser
    winnow("release", "sample-posts", "--campaign", "sample-kindness")
    browser.open(story.url + "/")
    commands = browser.until("the dataset's commands", lambda: browser.text("#datasets pre")).split("\n")
    need("sample-posts, version 1" in browser.text("#datasets") and len(commands) == 4, browser.text("#datasets"))
    browser.cdp("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"], origin=story.url)
    browser.click("#datasets button")
    browser.until_text("#datasets-answer", "The commands for sample-posts are copied.")
    copied = browser.run("return navigator.clipboard.readText()")
    need(copied.split("\n") == commands, "something else was copied: %r" % copied)
    environment = {**os.environ, "PATH": os.path.dirname(WINNOW) + ":" + os.environ["PATH"], "WINNOW_NODE_STATE": STATE}
    for command in commands:
        done = subprocess.run(["sh", "-c", command], cwd=WORK, env=environment, capture_output=True, text=True, timeout=60)
        need(done.returncode == 0, "%s: %s" % (command, done.stdout + done.stderr))


@check
def the_page_is_accessible_as_far_as_a_script_can_tell():
    browser = story.browser
    browser.until_text("#items", "Accepted")
    # A phone, the narrowest that WCAG names, a desktop at 200 %, a desktop.
    for width in (360, 320, 640, 1280):
        browser.size(width, 800)
        accessible(browser, "%d pixels" % width)


@check
def the_node_is_checked_by_the_browser_itself():
    browser = story.browser
    browser.click("#check")
    told = browser.until_text("#check-answer", "Verified here")
    receipts = json.loads(browser.run("return Object.entries(localStorage).find(([name]) => name.startsWith('winnow-receipts-'))[1]"))
    need(len(receipts) > 5 and "%d of your %d receipts" % (len(receipts), len(receipts)) in told, told)
    forged = dict(receipts[0], leaf_hash="00" * 32)
    browser.run("""const name = Object.keys(localStorage).find((n) => n.startsWith('winnow-receipts-'));
        localStorage.setItem(name, JSON.stringify([...JSON.parse(localStorage.getItem(name)), a[0]]))""", forged)
    browser.log()
    browser.click("#check")
    browser.until_text("#check-answer", "its journal does not hold it: 0000")
    # The browser itself tells that the node answered 404; that is the point of this check.
    need(all("/v1/journal/proof" in line for line in page_errors(browser)), "another error came with it")
    browser.run("""const name = Object.keys(localStorage).find((n) => n.startsWith('winnow-receipts-'));
        localStorage.setItem(name, JSON.stringify(a[0]))""", receipts)


@check
def trees_are_verified_as_rfc_9162_says():
    browser = story.browser
    need(page_errors(browser) == [], "the console told errors before")
    browser.open(story.url + "/livez")
    found = browser.module(TREES, "wrong(17)")
    need(not found, "; ".join(found[:5]))


EXPECTED = {
    "another root under the node's signature": "Doubt: The checkpoint's signature is wrong",
    "another size under the node's signature": "Doubt: The checkpoint's signature is wrong",
    "a stranger's signature": "Doubt: The checkpoint's signature is wrong",
    "another network's checkpoint": "Doubt: The checkpoint is not this network's",
    "a checkpoint without a signature": "Doubt: The checkpoint is not this network's",
    "sealed votes of others changed": "Doubt: The sealed votes shown do not have the root announced",
    "sealed votes of others changed, and their root": "Doubt: The journal closed the task with other sealed votes than shown",
    "sealed votes of others changed, their root, and the entry shown": "Doubt: The journal does not hold what closed the task",
    "this vote left out": "Doubt: The task was closed without your sealed vote",
    "this vote replaced": "Doubt: The task was closed without your sealed vote",
    "a proof that does not fit": "Doubt: The journal does not hold what closed the task",
    "a proof for another place": "Doubt: The journal does not hold what closed the task",
    "another entry of the journal instead of the closing one": "Doubt: The journal does not hold what closed the task",
    "an entry that the journal does not hold": "Doubt: The journal does not hold what closed the task",
    "a journal rewritten and grown": "Doubt: The node has rewritten its journal",
    "a journal rewritten and grown, without proof": "Doubt: The node has rewritten its journal",
    "a journal rewritten at the same size": "Doubt: The node has rewritten its journal",
    "an older checkpoint": '{"wait":true}',
    "a task that is not closed": '{"wait":true}',
    "no lie": '{"open":1}',
}


@check
def a_node_that_lies_gets_no_vote_opened():
    browser = story.browser
    browser.open(story.url + "/livez")
    story.vote = browser.module(LIES, 'seal("sample-kindness", 1)')
    path = "/v1/rounds/%s/%d" % (story.vote["item_id"], story.vote["round"])
    browser.until("the task closed for sealed votes", lambda: node(path)["state"] == "reveal")
    leaf = node(path)["closed_leaf"]
    browser.until("a checkpoint holds what closed it", lambda: browser.run(
        "return (await fetch('/v1/journal/proof?leaf=' + a[0])).status", leaf) == 200)
    told = browser.module(LIES, "lies(%s)" % json.dumps(story.vote))
    for name, expected in EXPECTED.items():
        need(told.get(name, "").startswith(expected), "%s: %r instead of %r" % (name, told.get(name), expected))
    need(set(told) == set(EXPECTED), "other lies were told than are expected: %r" % sorted(told))


@check
def a_receipt_that_was_changed_does_not_hold():
    browser = story.browser
    receipt = json.loads(browser.run("return Object.entries(localStorage).find(([name]) => name.startsWith('winnow-receipts-'))[1]"))[-1]
    found = browser.module(LIES, "receipts(%s)" % json.dumps(receipt))
    need(found == [True, False, False, False, False], found)


@check
def the_page_keeps_a_vote_sealed_while_the_checkpoint_is_forged():
    browser = story.browser
    browser.log()
    script = browser.cdp("Page.addScriptToEvaluateOnNewDocument", source="""const honest = window.fetch.bind(window);
        window.fetch = async (url, options) => url !== "/v1/checkpoint" ? honest(url, options) :
            new Response((await (await honest(url, options)).text()).replace(/\\n([0-9]+)\\n/, (all, n) => "\\n" + (Number(n) + 1) + "\\n"));""")
    browser.open(story.url + "/")
    browser.until_text("#votes", "signature is wrong: your votes stay sealed")
    time.sleep(3)
    mine = node("/v1/rounds/%s/%d" % (story.vote["item_id"], story.vote["round"]))
    need(mine["state"] == "reveal", "the vote was opened all the same")
    browser.cdp("Page.removeScriptToEvaluateOnNewDocument", identifier=script["identifier"])
    need(page_errors(browser) == [], "the page shows errors")


@check
def the_key_is_saved_under_a_password():
    browser = story.browser
    browser.open(story.url + "/")
    browser.until_text("#unsaved", "you have no copy yet")
    browser.type_into("#password", PASSWORD)
    browser.click("#save")
    browser.until_text("#copy-answer", "Saved as winnow-key.json.")
    story.copy = browser.until("the copy on disk", lambda: [f for f in glob.glob(browser.downloads + "/*") if f.endswith("winnow-key.json")])[0]
    with open(story.copy) as file:
        copy = json.load(file)
    need(copy["did"] == story.did and set(copy) == {"did", "kdf", "rounds", "salt", "iv", "sealed"}, copy)
    browser.until("the reminder goes", lambda: not browser.text("#unsaved"))
    need(page_errors(browser) == [], "the page shows errors")


@check
def the_copy_opens_elsewhere_with_its_password_only():
    story.other = other = Browser(story.driver, WORK)
    other.open(story.url + "/")
    fresh = other.until_text("#did", "did:key:z6Mk")
    need(fresh != story.did, "two browsers made the same key")
    other.type_into("#copy", story.copy)
    other.type_into("#copy-password", WRONG)
    other.click("#use")
    other.until_text("#copy-answer", "The password does not open this copy.")
    need(other.text("#did") == fresh, "a wrong password changed the key")
    other.run("document.querySelector('#copy-password').value = ''")
    other.type_into("#copy-password", PASSWORD)
    other.click("#use")
    other.until_text("#copy-answer", "This browser now uses the saved key.")
    other.until("the saved key's name", lambda: other.text("#did") == story.did)
    other.until_text("#items", "Accepted: kindness")
    other.until("the account's money", lambda: other.text("#free") not in ("", "0 WIN"))


@check
def a_vote_sealed_on_another_device_is_found_and_opened():
    other = story.other
    other.until_text("#votes", "\u201coff topic\u201d on ")
    other.until_text("#votes", "opened, checkpoint and sealed votes verified")
    path = "/v1/rounds/%s/%d" % (story.vote["item_id"], story.vote["round"])
    other.until("the node counted the opened vote", lambda: node(path)["state"] == "tallied")
    other.open(story.url + "/")
    other.until("the key stays", lambda: other.text("#did") == story.did)


@check
def a_file_that_is_no_copy_is_refused():
    other = story.other
    path = os.path.join(WORK, "no-copy.json")
    with open(path, "w") as file:
        file.write('{"did": "did:key:z6Mk"}')
    other.type_into("#copy", path)
    other.type_into("#copy-password", PASSWORD)
    other.click("#use")
    other.until_text("#copy-answer", "This file is not a saved copy of a key.")
    need(other.text("#did") == story.did, "the key changed")


@check
def the_console_stays_silent_and_the_policy_bites():
    for browser in (story.browser, story.other):
        found = page_errors(browser)
        need(found == [], "; ".join(found[:3]))
    # The log would have told: a foreign script is refused, and its refusal stands there.
    story.other.run("const s = document.createElement('script'); s.textContent = 'document.title = 1'; document.body.append(s)")
    need(any("Content Security Policy" in line for line in page_errors(story.other)), "the policy let a foreign script in")
    need(story.other.run("return document.title") != "1", "a foreign script ran")


if __name__ == "__main__":
    passed = failed = 0
    # Whoever ends this ends its browsers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    driver = Driver()
    try:
        story = Story(driver)
        for function in checks:
            started = time.monotonic()
            try:
                function()
                passed += 1
                print("ok   %s (%.1f s)" % (function.__name__, time.monotonic() - started))
            except Exception as problem:
                failed += 1
                print("FAIL %s: %s" % (function.__name__, problem))
                if not isinstance(problem, Failed):
                    traceback.print_exc(file=sys.stdout)
        story.close()
    finally:
        driver.close()
    print("%d passed, %d failed, 0 skipped" % (passed, failed))
    sys.exit(failed != 0)

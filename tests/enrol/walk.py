"""Enrols through the page as a person with a keyboard does."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from browser import ENTER, Browser

BASE_URL, USER_NAME, PASSWORD = (os.environ[name] for name in ("BASE_URL", "USER_NAME", "PASSWORD"))
ORG, OTHER_ORG = os.environ["ORG"], os.environ["OTHER_ORG"]
# A user of its own for each window: once a key is active, the next one wants proof of it.
WINDOWS = [("wide", 1200, 1300, "light"), ("wide", 1200, 1300, "dark"), ("narrow", 360, 1300, "light"), ("narrow", 360, 1300, "dark")]


def visible(step):
    return f"!document.getElementById('{step}').hidden"


def alert(browser):
    return browser.wait("document.getElementById('alert').textContent", "a message")


def qr_code(picture):
    found = subprocess.run(["zbarimg", "--quiet", "--raw", picture], capture_output=True, text=True, check=True)
    return found.stdout.strip()


def code_of(uri, seconds=0):
    secret = parse_qs(urlsplit(uri).query)["secret"][0]
    now = f"@{int(time.time()) + seconds}"
    return subprocess.run(["oathtool", "--totp", "--base32", f"--now={now}", "-"],
                          input=secret, capture_output=True, text=True, check=True).stdout.strip()


def sign_in(browser, password):
    browser.tab_to("user-name")
    browser.run("document.getElementById('user-name').select()")
    browser.type(USER_NAME)
    browser.tab_to("password")
    browser.run("document.getElementById('password').select()")
    browser.type(password + ENTER)


def walk(browser, shoot, first):
    browser.open(BASE_URL + "/enrol")
    assert browser.focus() == "user-name", browser.focus()
    shoot("sign-in")

    sign_in(browser, "wrong" + PASSWORD)
    assert alert(browser) == "Invalid Username or Password"
    assert browser.focus() == "password", browser.focus()
    shoot("refused")
    sign_in(browser, PASSWORD)
    browser.wait(visible("key"), "the next step")
    assert USER_NAME in browser.run("document.getElementById('signed-in-as').textContent").lower()
    assert browser.run("document.getElementById('alert').hidden")

    browser.tab_to("organisation")
    browser.type(OTHER_ORG + ENTER)
    assert "not a member" in alert(browser)
    assert browser.focus() == "organisation", browser.focus()
    browser.run("document.getElementById('organisation').select()")
    browser.type(ORG)
    shoot("organisation")
    browser.tab_to("Show me the QR code")
    browser.press(ENTER)
    if not first:
        prove(browser, shoot)

    browser.wait(visible("code"), "the QR code")
    picture = shoot("code")
    uri = browser.run("document.getElementById('open').href")
    assert uri.startswith("otpauth://totp/"), "no URI"
    assert qr_code(picture) == uri, "zbarimg reads something else than the link says"
    shown = browser.run("document.getElementById('secret').textContent").replace(" ", "")
    assert shown == parse_qs(urlsplit(uri).query)["secret"][0]

    wrong = f"{(int(code_of(uri)) + 1) % 1_000_000:06}"
    browser.tab_to("first-code")
    browser.type(wrong + ENTER)
    assert alert(browser)
    assert browser.focus() == "first-code", browser.focus()
    shoot("wrong-code")
    browser.run("document.getElementById('first-code').select()")
    browser.type(code_of(uri) + ENTER)
    browser.wait(visible("done"), "the end")
    assert uri not in browser.run("document.documentElement.outerHTML"), "the key is still on the page"
    shoot("done")
    browser.tab_to("sign-out")
    browser.press(ENTER)
    browser.wait(visible("sign-in"), "the beginning")
    status = browser.run("(await fetch('/auth', { headers: { Accept: 'application/json' } })).status")
    return uri if status == 401 else sys.exit("still signed in")


def prove(browser, shoot):
    """A key is active: the page asks for a code of it. Each code counts once: the next step's is used."""
    browser.wait("!document.getElementById('proof').hidden", "the question for the present key")
    shoot("proof")
    assert browser.focus() == "proof-code", browser.focus()
    browser.type(code_of(prove.uri, prove.ahead) + ENTER)


def main(folder):
    previous = None
    for name, width, height, theme in WINDOWS:
        with Browser(width, height, theme == "dark") as browser:
            def shoot(step):
                file = f"{folder}/{name}-{theme}-{step}.png"
                overflow = browser.run("document.documentElement.scrollWidth > window.innerWidth")
                assert not overflow, f"{step} is wider than the window"
                browser.screenshot(file)
                return file

            if previous:
                # The code that confirmed it is used up; the one after it is accepted already.
                prove.uri, prove.ahead = previous, 30
            previous = walk(browser, shoot, previous is None)
            expected = ("401", "403", "400")
            bad = [text for text in browser.complaints() if not any(f"status of {code}" in text for code in expected)]
            assert not bad, bad
            print(f"enrol: {name} {theme}: signed in, scanned, confirmed")


if len(sys.argv) > 1:
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    main(sys.argv[1])
else:
    with tempfile.TemporaryDirectory() as scratch:
        main(scratch)

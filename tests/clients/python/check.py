"""Checks and their count. A check is a named function that raises when it does not hold."""

import re
import sys
from urllib.parse import parse_qs, unquote, urlsplit

passed = 0
failed = 0


class Unmet(Exception):
    """What was expected did not come."""


def check(name, run):
    """Runs a check and prints its line; what it returns is given back, None when it failed."""
    global passed, failed
    try:
        result = run()
    except Exception as error:  # whatever goes wrong in a check is its failure
        failed += 1
        print(f"FAIL  {name}: {type(error).__name__} {error}", flush=True)
        return None
    passed += 1
    print(f"ok    {name}", flush=True)
    return result


def finish():
    """Prints the count and ends the program."""
    print(f"{passed} passed, {failed} failed", flush=True)
    sys.exit(0 if passed and not failed else 1)


def that(condition, message):
    if not condition:
        raise Unmet(message)


def equal(actual, expected, what):
    that(actual == expected, f"{what} is {actual!r}, not {expected!r}")


class Key:
    """An otpauth URI, checked as an authenticator app would read it."""

    def __init__(self, text):
        that(isinstance(text, str) and text.startswith("otpauth://totp/"), f"no key URI: {text!r}")
        that("+" not in text, "blanks must be %20: authenticator apps show a plus")
        uri = urlsplit(text)
        parameters = {name: values[0] for name, values in parse_qs(uri.query).items()}
        self.issuer, _, self.account = unquote(uri.path.lstrip("/")).partition(":")
        self.secret = parameters.get("secret", "")
        that(re.fullmatch("[A-Z2-7]{32}", self.secret), "the secret is not 20 bytes in base32")
        equal(parameters.get("issuer"), self.issuer, "issuer parameter")

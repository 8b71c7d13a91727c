"""The exchanges of exchanges.json, made with Python's own HTTP client."""

import http.client
import json
import pathlib
import re
from urllib.parse import urlsplit

from check import check, equal, that


def send(base, row, cookie):
    """Sends the request as it stands in the row: no header is added but the length and the host."""
    request = row["request"]
    headers = dict(request.get("headers", {}))
    if cookie and row.get("auth") != "none":
        headers["Cookie"] = cookie
    body = request.get("body")
    connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=30)
    try:
        connection.putrequest(request["method"], request["path"], skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        data = body.encode() if body is not None else None
        if data is not None:
            connection.putheader("Content-Length", str(len(data)))
        connection.endheaders(data)
        response = connection.getresponse()
        return response, response.read().decode()
    finally:
        connection.close()


def compare(row, response, body):
    expected = row["reply"]
    shown = f"{response.status} {response.reason} {body[:300]}"
    status = expected["status"]
    allowed = status if isinstance(status, list) else [status]
    that(response.status in allowed, f"status is not {status}: {shown}")
    if "reason" in expected:
        equal(response.reason, expected["reason"], "reason phrase")
    if "type" in expected:
        equal(response.getheader("Content-Type"), expected["type"], "Content-Type")
    for name, value in expected.get("headers", {}).items():
        actual = response.getheader(name)
        that(actual is not None, f"no header {name}")
        listed = [item.strip().lower() for item in actual.split(",")]
        that(value is None or actual == value or value.lower() in listed, f"{name} is {actual}, not {value}")
    for name in expected.get("without", []):
        that(response.getheader(name) is None, f"{name} is {response.getheader(name)}")
    for piece in expected.get("has", []):
        that(piece in body, f"no {piece} in {shown}")
    for piece in expected.get("lacks", []):
        that(piece not in body, f"{piece} in {shown}")
    for name, _ in response.getheaders():
        that(all(re.match("[A-Z0-9]", part) for part in name.split("-")), f"header name {name} is not in Title-Case")


def filled(value, values):
    """The value with every $NAME in its texts replaced."""
    if isinstance(value, str):
        return re.sub(r"\$([A-Z_]+)", lambda match: values[match[1]], value)
    if isinstance(value, list):
        return [filled(item, values) for item in value]
    if isinstance(value, dict):
        return {name: filled(item, values) for name, item in value.items()}
    return value


def exchanges(base, cookie, values):
    """Makes every exchange; those that need a session are sent with the cookie."""
    path = pathlib.Path(__file__).parent.parent / "exchanges.json"
    for row in filled(json.loads(path.read_text(encoding="utf-8")), values):
        check(row["name"], lambda row=row: compare(row, *send(base, row, cookie)))

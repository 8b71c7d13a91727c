"""Uses the service through `servicestack` of PyPI, as a Python application would."""

import os

from servicestack import Authenticate, JsonServiceClient, WebServiceException

from check import Key, check, equal, finish, that
from dtos import GenerateTwoFactorAuthenticationKeyRequest as Request
from dtos import GenerateTwoFactorAuthenticationKeyResponse as Response
from exchanges import exchanges

BASE_URL, ORG, OTHER_ORG, USER_NAME, JOINED_NAME, PASSWORD, EXPIRED_TOKEN, CORS_ORIGIN = (
    os.environ[name] for name in (
        "BASE_URL", "ORG", "OTHER_ORG", "USER_NAME", "JOINED_NAME", "PASSWORD", "EXPIRED_TOKEN", "CORS_ORIGIN"))
ROUTE = "/users/2fa/generate-key"


def client():
    return JsonServiceClient(BASE_URL)


def credentials(user_name=USER_NAME, password=PASSWORD):
    return Authenticate(provider="credentials", user_name=user_name, password=password)


def login(user_name=USER_NAME):
    signed_in = client()
    return signed_in, signed_in.post(credentials(user_name))


def cookies(of):
    return of._session.cookies  # the library has no other way to its cookies


def again(signed_in, into=None):
    """Another client with the same session."""
    into = into or client()
    cookies(into).update(cookies(signed_in))
    return into


def request(organisation_id=ORG):
    return Request(organisation_id=organisation_id)


def key(response):
    that(isinstance(response, Response), f"not the response DTO: {response!r}")
    return Key(response.two_factor_uri)


def failure(call):
    """What the library reports of a call that has to fail."""
    try:
        call()
    except WebServiceException as error:
        that(error.response_status is not None, f"{error.status_code} without a readable responseStatus")
        return error
    that(False, "the call succeeded")


def field_error(error):
    return next((f for f in error.response_status.errors or [] if f.field_name == "OrganisationId"), None)


def fails(call, status, code, message=None):
    error = failure(call)
    equal(error.status_code, status, "status")
    equal(error.response_status.error_code, code, "errorCode")
    if message is not None:
        equal(error.response_status.message, message, "message")
    return error


def sign_in():
    """Returns a signed-in client and its reply, or ends the program: nothing works without."""
    def run():
        signed_in, reply = login()
        equal(reply.user_name, USER_NAME, "userName")
        for member in ("user_id", "session_id", "display_name", "bearer_token", "refresh_token"):
            that(getattr(reply, member), f"{member} is {getattr(reply, member)!r}")
        equal(cookies(signed_in).get("ss-id"), reply.session_id, "cookie ss-id")
        that(cookies(signed_in).get("ss-pid"), "no cookie ss-pid")
        return signed_in, reply

    return check("login:credentials", run) or finish()


def check_logins(session):
    def stale():
        equal(client().set_bearer_token(EXPIRED_TOKEN).post(credentials()).user_name, USER_NAME, "userName")
    check("login:a stale bearer token does not stand in the way", stale)

    def asked():
        on, times = client(), []
        def sign_in_now():
            times.append(1)
            again(session, on)
        on.on_authentication_required = sign_in_now
        key(on.put(request()))
        equal(len(times), 1, "number of times asked")
    check("login:on_authentication_required", asked)

    def logout():
        signed_in, _ = login()
        copy = again(signed_in)
        signed_in.post(Authenticate(provider="logout"))
        equal(failure(lambda: copy.put(request())).status_code, 401, "status afterwards")
    check("login:logout ends the session", logout)


def check_puts(session, joined):
    check("put:/api", lambda: key(session.put(request())))
    check("put:send takes the verb from the DTO", lambda: key(session.send(request())))
    check("put:every call makes a new key", lambda: that(
        key(session.put(request())).secret != key(session.put(request())).secret, "the same key twice"))
    check("put:/json/reply", lambda: key(again(session).set_base_path("").put(request())))
    check("put:custom route", lambda: key(session.put_url(ROUTE, request(), Response)))
    # Without the argument this user gets a 400: see fields.
    check("put:organisation in the query string", lambda: key(joined.put(Request(), args={"organisationId": ORG})))


def check_tokens(tokens):
    check("bearer:token of the login", lambda: key(client().set_bearer_token(tokens.bearer_token).put(request())))

    def stale_cookie():
        on = client().set_bearer_token(tokens.bearer_token)
        cookies(on).set("ss-id", "gone", domain="127.0.0.1", path="/")
        key(on.put(request()))
    check("bearer:a good token counts beside a stale cookie", stale_cookie)
    check("basic:set_credentials", lambda: key(client().set_credentials(USER_NAME, PASSWORD).put(request())))

    def from_body():
        on = client().set_bearer_token(EXPIRED_TOKEN).set_refresh_token(tokens.refresh_token)
        key(on.put(request()))
        that(on.bearer_token and on.bearer_token != EXPIRED_TOKEN, "no new bearer token")
        # The library refreshes after any failure, and always with the token that it was given.
        fails(lambda: on.put(request(OTHER_ORG)), 403, "Forbidden")
        key(on.put(request()))
    check("refresh:token from the body", from_body)

    def from_cookie():
        _, reply = login()
        on = client()
        on.use_token_cookie = True
        for name, value in (("ss-tok", EXPIRED_TOKEN), ("ss-reftok", reply.refresh_token)):
            cookies(on).set(name, value, domain="127.0.0.1", path="/")
        key(on.put(request()))
        that(on.token_cookie != EXPIRED_TOKEN, "ss-tok was not renewed")
    check("refresh:token from the cookie", from_cookie)


def check_errors(session):
    check("errors:not signed in", lambda: fails(
        lambda: client().put(request()), 401, "Unauthorized", "Not Authenticated"))
    for what, user_name, password in (("wrong password", USER_NAME, PASSWORD + "-"),
                                      ("unknown user", "nobody-" + USER_NAME, PASSWORD)):
        check(f"errors:{what}", lambda user_name=user_name, password=password: fails(
            lambda: client().post(credentials(user_name, password)), 401, "Unauthorized", "Invalid Username or Password"))
    check("errors:expired token", lambda: fails(
        lambda: client().set_bearer_token(EXPIRED_TOKEN).put(request()), 401, "TokenException"))
    check("errors:token that is none", lambda: equal(
        failure(lambda: client().set_bearer_token("nonsense").put(request())).status_code, 401, "status"))

    def alike():
        foreign = fails(lambda: session.put(request(OTHER_ORG)), 403, "Forbidden")
        unknown = fails(lambda: session.put(request("org_that_is_not_there")), 403, "Forbidden")
        equal(unknown.response_status, foreign.response_status, "the answer for an unknown organisation")
    check("errors:foreign and unknown organisation look alike", alike)


def check_fields(session, joined):
    def foreign():
        field = field_error(failure(lambda: session.put(request(OTHER_ORG))))
        that(field and field.error_code and field.message, f"field error is {field!r}")
    check("fields:foreign organisation", foreign)

    def malformed():
        error = fails(lambda: session.put(request("x" * 65)), 400, "ValidationException")
        that(field_error(error), f"field errors are {error.response_status.errors!r}")
    check("fields:malformed organisation", malformed)

    for what, body in (("absent", "{}"), ("null", '{"organisationId":null}'), ("empty", '{"organisationId":""}')):
        def default(body=body):
            issuer = key(session.put(request())).issuer
            equal(key(session.send(Request(), "PUT", body)).issuer, issuer, "issuer")
        check(f"fields:{what} organisation is the default one", default)

        def none(body=body):
            error = fails(lambda: joined.send(Request(), "PUT", body), 400, "ValidationException")
            that(field_error(error), f"field errors are {error.response_status.errors!r}")
        check(f"fields:{what} organisation without a default one", none)


def check_batches(session):
    """The library always POSTs batches, and the operation has PUT only."""
    def overriding():
        on = again(session)
        on.headers["X-Http-Method-Override"] = "PUT"
        return on

    for path, reply, oneway in (("api", "/api", "/api"), ("", "/json/reply", "/json/oneway")):
        check(f"batch:send_all to {reply} is refused like the original does", lambda path=path: fails(
            lambda: again(session).set_base_path(path).send_all([request(), request()]), 405, "NotImplementedException"))

        def as_put(path=path):
            one, two = map(key, overriding().set_base_path(path).send_all([request(), request()]))
            that(one.secret != two.secret, "one key for two requests")
        check(f"batch:send_all to {reply} as PUT", as_put)

        check(f"oneway:send_all_oneway to {oneway} is refused like the original does", lambda path=path: fails(
            lambda: again(session).set_base_path(path).send_all_oneway([request()]), 405, "NotImplementedException"))
        check(f"oneway:send_all_oneway to {oneway} as PUT", lambda path=path: (
            overriding().set_base_path(path).send_all_oneway([request(), request()])))


def main():
    session, tokens = sign_in()
    joined, _ = check("login:a second user", lambda: login(JOINED_NAME)) or (client(), None)
    check_logins(session)
    check_puts(session, joined)
    check_tokens(tokens)
    check_errors(session)
    check_fields(session, joined)
    check_batches(session)
    exchanges(BASE_URL, "; ".join(f"{c.name}={c.value}" for c in cookies(session)), {
        "ORG": ORG, "OTHER_ORG": OTHER_ORG, "USER_NAME": USER_NAME, "PASSWORD": PASSWORD, "CORS_ORIGIN": CORS_ORIGIN,
        "OP": "GenerateTwoFactorAuthenticationKeyRequest",
        "RES": "GenerateTwoFactorAuthenticationKeyResponse",
        "NS": "http://schemas.datacontract.org/2004/07/Infrastructure.Api.Interfaces.ServiceOperations",
    })
    finish()


main()

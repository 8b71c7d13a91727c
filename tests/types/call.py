"""Makes a key through the client library, with the types that the service generated."""

import os
from urllib.parse import parse_qs, urlsplit

from dtos import *
from servicestack import Authenticate, JsonServiceClient, WebServiceException

client = JsonServiceClient(os.environ["BASE_URL"])
client.send(Authenticate(provider="credentials", user_name=os.environ["USER_NAME"], password=os.environ["PASSWORD"]))
request = GenerateTwoFactorAuthenticationKeyRequest(organisation_id=os.environ["ORG"])
response = client.send(request)
assert isinstance(response, GenerateTwoFactorAuthenticationKeyResponse), response
assert len(parse_qs(urlsplit(response.two_factor_uri).query)["secret"][0]) == 32
try:
    client.send(GenerateTwoFactorAuthenticationKeyRequest(organisation_id=os.environ["OTHER_ORG"]))
    raise AssertionError("a foreign organisation was accepted")
except WebServiceException as refused:
    assert refused.response_status.errors[0].field_name == "OrganisationId", refused.response_status
print("python: a key was made, a refusal was understood")

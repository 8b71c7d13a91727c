"""The DTOs in the shape that `/types/python` gives them."""

from dataclasses import dataclass
from typing import Optional

from dataclasses_json import LetterCase, Undefined, dataclass_json
from servicestack import IPut, IReturn, ResponseStatus


@dataclass_json(letter_case=LetterCase.CAMEL, undefined=Undefined.EXCLUDE)
@dataclass
class GenerateTwoFactorAuthenticationKeyResponse:
    response_status: Optional[ResponseStatus] = None
    two_factor_uri: Optional[str] = None


@dataclass_json(letter_case=LetterCase.CAMEL, undefined=Undefined.EXCLUDE)
@dataclass
class GenerateTwoFactorAuthenticationKeyRequest(IReturn[GenerateTwoFactorAuthenticationKeyResponse], IPut):
    organisation_id: Optional[str] = None

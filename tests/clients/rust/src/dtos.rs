//! The DTOs in the shape that `/types/rust` gives them.

use serde::{Deserialize, Serialize};
use servicestack::{HTTP_PUT, IRequest, IReturn, ResponseStatus};

/// Asks for a key.
#[derive(Serialize, Deserialize, Debug, Clone, Default)]
#[serde(default, rename_all = "camelCase")]
pub struct GenerateTwoFactorAuthenticationKeyRequest {
    /// For which organisation; the caller's default one when it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisation_id: Option<String>,
}

impl IRequest for GenerateTwoFactorAuthenticationKeyRequest {
    const NAME: &'static str = "GenerateTwoFactorAuthenticationKeyRequest";
    const VERB: &'static str = HTTP_PUT;
}

impl IReturn for GenerateTwoFactorAuthenticationKeyRequest {
    type Response = GenerateTwoFactorAuthenticationKeyResponse;
}

/// The key, as a URI for an authenticator app.
#[derive(Serialize, Deserialize, Debug, Clone, Default)]
#[serde(default, rename_all = "camelCase")]
pub struct GenerateTwoFactorAuthenticationKeyResponse {
    /// What went wrong.
    pub response_status: Option<ResponseStatus>,
    /// The otpauth URI.
    pub two_factor_uri: String,
}

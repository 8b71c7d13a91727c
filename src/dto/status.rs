//! What every refusal looks like: `ResponseStatus` and `ResponseError`, with the members and the
//! order of the original (`fixtures/wire`, rule E1; clients read them strictly, need 24).

use super::{Dictionary, Namespace};

/// The namespace of ServiceStack's own types.
pub const SERVICE_STACK: Namespace =
    Namespace { clr: "ServiceStack", xml: "http://schemas.servicestack.net/types" };

crate::dto! {
    /// Why an operation was refused.
    pub struct ResponseStatus in SERVICE_STACK {
        /// A code that programs can compare.
        pub error_code: Option<String>,
        /// A sentence that people can read.
        pub message: Option<String>,
        /// Never filled: where in the program something failed is nobody else's business.
        pub stack_trace: Option<String>,
        /// What is wrong with which member. Present, if empty, on every refusal.
        pub errors: Option<Vec<ResponseError>>,
        /// More about the refusal.
        pub meta: Option<Dictionary>,
    }
}

crate::dto! {
    /// What is wrong with one member.
    pub struct ResponseError in SERVICE_STACK {
        /// A code that programs can compare.
        pub error_code: Option<String>,
        /// The member's declared name, in Pascal case whatever the host's case is.
        pub field_name: Option<String>,
        /// A sentence that people can read.
        pub message: Option<String>,
        /// More about it.
        pub meta: Option<Dictionary>,
    }
}

crate::dto! {
    /// A refusal where there is no operation whose response could carry it.
    pub struct ErrorResponse in SERVICE_STACK {
        /// Why.
        pub response_status: Option<ResponseStatus>,
    }
}

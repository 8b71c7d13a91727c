//! What nearly every request asks: who that is, and what they are to an organisation.
//!
//! Each question is written once, over a relation `asked` that holds what is asked for. A store that
//! asks one question at a time makes it of its arguments ([`ONE`]); one that gathers what is asked at
//! the same time makes it of arrays ([`MANY`]), and `place` then says which question an answer is to.
//!
//! Adding one: its statement in [`Statements`], with its `asked` in both; a variant of
//! [`By`](super::lookups::By) if it tells who somebody is; and how it is bound, in `sqlite.rs` and in
//! `gather/postgres.rs`.

/// The statements that answer them. A user's columns are those that `user_of` reads, a membership's those of
/// `membership_of`; the column after them is `place`.
pub(super) struct Statements {
    /// The user of a session, by the hash of its id, at a time.
    pub(super) session: &'static str,
    /// The user of a sign-in, by its id, at a time.
    pub(super) sign_in: &'static str,
    /// The user of an API key, by its hash, at a time.
    pub(super) api_key: &'static str,
    /// The user of a name or, folded, of an address; disabled ones too.
    pub(super) name: &'static str,
    /// The user of an address, folded; disabled ones too.
    pub(super) address: &'static str,
    /// A user's membership of an organisation, and when the credential last showed a good code.
    pub(super) membership: &'static str,
}

/// The columns that `user_of` reads, of `users u`.
macro_rules! user_columns {
    () => {
        "u.id, u.name, u.email, u.password_hash, u.default_organisation_id, u.disabled_at"
    };
}
pub(super) use user_columns;

macro_rules! user {
    ($asked:literal, $joined:literal) => {
        concat!("SELECT ", user_columns!(), ", asked.place FROM ", $asked, " ", $joined,)
    };
}

macro_rules! statements {
    (hash: $hash:literal, id: $id:literal, name: $name:literal, address: $address:literal,
     member: $member:literal) => {
        Statements {
            session: user!(
                $hash,
                "JOIN sessions s ON s.id_hash = asked.hash JOIN users u ON u.id = s.user_id \
                 WHERE s.expires_at > asked.now AND u.disabled_at IS NULL"
            ),
            sign_in: user!(
                $id,
                "JOIN sign_ins s ON s.id = asked.id JOIN users u ON u.id = s.user_id \
                 WHERE s.expires_at > asked.now AND u.disabled_at IS NULL"
            ),
            api_key: user!(
                $hash,
                "JOIN api_keys k ON k.key_hash = asked.hash JOIN users u ON u.id = k.user_id \
                 WHERE k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > asked.now) \
                 AND u.disabled_at IS NULL"
            ),
            // A name comes before an address that is written like it: whose they are is one user, unless
            // they were added before that was seen to.
            name: user!(
                $name,
                "JOIN users u ON u.id = COALESCE(\
                 (SELECT n.id FROM users n WHERE n.name = asked.name), \
                 (SELECT n.id FROM users n WHERE n.email_folded = asked.folded))"
            ),
            address: user!($address, "JOIN users u ON u.email_folded = asked.folded"),
            membership: concat!(
                "SELECT o.id, o.name, o.issuer, m.administrator, k.key_id, v.verified_at, \
                 asked.place FROM ",
                $member,
                " JOIN memberships m ON m.organisation_id = asked.organisation_id \
                 AND m.user_id = asked.user_id \
                 JOIN organisations o ON o.id = m.organisation_id \
                 JOIN users u ON u.id = m.user_id \
                 LEFT JOIN two_factor_keys k ON k.organisation_id = m.organisation_id \
                 AND k.user_id = m.user_id AND k.place = 5 \
                 LEFT JOIN verifications v ON v.organisation_id = m.organisation_id \
                 AND v.user_id = m.user_id AND v.credential = asked.credential \
                 WHERE u.disabled_at IS NULL"
            ),
        }
    };
}

/// One question at a time.
pub(super) const ONE: Statements = statements! {
    hash: "(SELECT $1 AS hash, $2 AS now, 1 AS place) AS asked",
    id: "(SELECT $1 AS id, $2 AS now, 1 AS place) AS asked",
    name: "(SELECT $1 AS name, $2 AS folded, 1 AS place) AS asked",
    address: "(SELECT $1 AS folded, 1 AS place) AS asked",
    member: "(SELECT $1 AS organisation_id, $2 AS user_id, $3 AS credential, 1 AS place) AS asked"
};

/// As many as the arrays hold; places count from one. A planner that sees how few they are plans every
/// statement anew, which takes longer than to answer it; it does not look into a subquery.
pub(super) const MANY: Statements = statements! {
    hash: "unnest((SELECT $1::bytea[]), (SELECT $2::bigint[])) WITH ORDINALITY \
           AS asked (hash, now, place)",
    id: "unnest((SELECT $1::text[]), (SELECT $2::bigint[])) WITH ORDINALITY \
         AS asked (id, now, place)",
    name: "unnest((SELECT $1::text[]), (SELECT $2::text[])) WITH ORDINALITY \
           AS asked (name, folded, place)",
    address: "unnest((SELECT $1::text[])) WITH ORDINALITY AS asked (folded, place)",
    member: "unnest((SELECT $1::text[]), (SELECT $2::text[]), (SELECT $3::bytea[])) \
             WITH ORDINALITY AS asked (organisation_id, user_id, credential, place)"
};

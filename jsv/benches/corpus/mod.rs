//! The documents of the comparisons and their types: Northwind as `ServiceStack.Text` writes it, and the two replies
//! of an operation, a success and an error.
//!
//! A type's parameter is its text: `String` to own it, [`Borrowed`] to point into the document. Decimals are
//! read as `f64` and dates as text in either format, so that both do the same work.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, Serialize};

/// Text that points into the document unless it had to be unescaped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub(crate) struct Borrowed<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Borrowed<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Borrowed<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Borrowed(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Borrowed(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Category<S> {
    id: i32,
    category_name: S,
    description: S,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Customer<S> {
    id: S,
    company_name: S,
    contact_name: S,
    contact_title: S,
    address: S,
    city: S,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<S>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postal_code: Option<S>,
    country: S,
    phone: S,
    #[serde(skip_serializing_if = "Option::is_none")]
    fax: Option<S>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Employee<S> {
    id: i32,
    last_name: S,
    first_name: S,
    title: S,
    title_of_courtesy: S,
    #[serde(skip_serializing_if = "Option::is_none")]
    birth_date: Option<S>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hire_date: Option<S>,
    address: S,
    city: S,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<S>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postal_code: Option<S>,
    country: S,
    #[serde(skip_serializing_if = "Option::is_none")]
    home_phone: Option<S>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extension: Option<S>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<S>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reports_to: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    photo_path: Option<S>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Shipper<S> {
    id: i32,
    company_name: S,
    phone: S,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Supplier<S> {
    id: i32,
    company_name: S,
    contact_name: S,
    contact_title: S,
    address: S,
    city: S,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<S>,
    postal_code: S,
    country: S,
    phone: S,
    #[serde(skip_serializing_if = "Option::is_none")]
    fax: Option<S>,
    #[serde(skip_serializing_if = "Option::is_none")]
    home_page: Option<S>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Order<S> {
    id: i32,
    customer_id: S,
    employee_id: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_date: Option<S>,
    #[serde(skip_serializing_if = "Option::is_none")]
    required_date: Option<S>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shipped_date: Option<S>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ship_via: Option<i32>,
    freight: f64,
    ship_name: S,
    ship_address: S,
    ship_city: S,
    #[serde(skip_serializing_if = "Option::is_none")]
    ship_region: Option<S>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ship_postal_code: Option<S>,
    ship_country: S,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Product<S> {
    id: i32,
    product_name: S,
    supplier_id: i32,
    category_id: i32,
    quantity_per_unit: S,
    unit_price: f64,
    units_in_stock: i16,
    units_on_order: i16,
    reorder_level: i16,
    discontinued: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct OrderDetail<S> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<S>,
    order_id: i32,
    product_id: i32,
    unit_price: f64,
    quantity: i16,
    discount: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Region<S> {
    id: i32,
    region_description: S,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Territory<S> {
    id: S,
    territory_description: S,
    region_id: i32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct EmployeeTerritory<S> {
    id: S,
    employee_id: i32,
    territory_id: S,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CustomerOrders<S> {
    customer: Customer<S>,
    orders: Vec<FullOrder<S>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct FullOrder<S> {
    order: Order<S>,
    order_details: Vec<OrderDetail<S>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Northwind<S> {
    categories: Vec<Category<S>>,
    customers: Vec<Customer<S>>,
    employees: Vec<Employee<S>>,
    shippers: Vec<Shipper<S>>,
    suppliers: Vec<Supplier<S>>,
    orders: Vec<Order<S>>,
    products: Vec<Product<S>>,
    order_details: Vec<OrderDetail<S>>,
    regions: Vec<Region<S>>,
    territories: Vec<Territory<S>>,
    employee_territories: Vec<EmployeeTerritory<S>>,
}

/// The reply of an operation: on success a URI, on failure a status.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reply<S: Ord> {
    #[serde(skip_serializing_if = "Option::is_none")]
    response_status: Option<ResponseStatus<S>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    two_factor_uri: Option<S>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResponseStatus<S: Ord> {
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<S>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<S>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stack_trace: Option<S>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<ResponseError<S>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<BTreeMap<S, S>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResponseError<S: Ord> {
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<S>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field_name: Option<S>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<S>,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<BTreeMap<S, S>>,
}

/// A document in both formats.
pub(crate) struct Document {
    pub(crate) jsv: String,
    pub(crate) json: String,
}

/// Calls `$with!(name, document, type)` for every document, the type to be completed with its text.
macro_rules! each_document {
    ($with:ident) => {
        $with!("Customers", Customer, Vec);
        $with!("Orders", Order, Vec);
        $with!("OrderDetails", OrderDetail, Vec);
        $with!("CustomersWithOrders", CustomerOrders, Vec);
        $with!("Northwind", Northwind, One);
        $with!("Success", Reply, One);
        $with!("Error", Reply, One);
    };
}

pub(crate) use each_document;

/// The document of this name.
pub(crate) fn document(name: &'static str) -> Document {
    let (jsv, json) = match name {
        "Success" => (SUCCESS.0.to_owned(), SUCCESS.1.to_owned()),
        "Error" => (ERROR.0.to_owned(), ERROR.1.to_owned()),
        _ => (file(name, "jsv"), file(name, "json")),
    };
    Document { jsv, json }
}

fn file(name: &str, format: &str) -> String {
    let path = format!("{}/../fixtures/northwind/{name}.{format}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

const SUCCESS: (&str, &str) = (
    r#"{twoFactorUri:"otpauth://totp/Foundry%20%28Acme%29:ada%40example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Foundry%20%28Acme%29&algorithm=SHA1&digits=6&period=30"}"#,
    r#"{"twoFactorUri":"otpauth://totp/Foundry%20%28Acme%29:ada%40example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Foundry%20%28Acme%29&algorithm=SHA1&digits=6&period=30"}"#,
);

const ERROR: (&str, &str) = (
    r#"{responseStatus:{errorCode:ValidationException,message:"'Organisation Id' is too long, or not known",errors:[{errorCode:Length,fieldName:OrganisationId,message:"'Organisation Id' must be between 1 and 64 characters. You entered 65 characters.",meta:{MaxLength:64,MinLength:1}}]}}"#,
    r#"{"responseStatus":{"errorCode":"ValidationException","message":"'Organisation Id' is too long, or not known","errors":[{"errorCode":"Length","fieldName":"OrganisationId","message":"'Organisation Id' must be between 1 and 64 characters. You entered 65 characters.","meta":{"MaxLength":"64","MinLength":"1"}}]}}"#,
);

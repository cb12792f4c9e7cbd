//! One line of the route table: where, how and for whom. `mod.rs` mounts what stands in it and nothing else.

use actix_web::{Resource, Route, web};

use crate::domain::key::Scope;

/// An address and a method that are answered.
pub struct Endpoint {
    pub method: &'static str,
    /// As the OpenAPI document writes it, parameters in braces.
    pub path: &'static str,
    pub credential: Credential,
    route: fn(Route) -> Route,
}

/// Who may call it. The handler's signature asks for it; that both say the same is a test's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// Without a credential.
    Anyone,
    /// An API key that has the scope.
    Key(Scope),
    /// The token of an open session.
    Session,
    /// Either of them.
    KeyOrSession(Scope),
}

pub const fn get(path: &'static str, credential: Credential, route: fn(Route) -> Route) -> Endpoint {
    Endpoint { method: "GET", path, credential, route }
}

pub const fn post(path: &'static str, credential: Credential, route: fn(Route) -> Route) -> Endpoint {
    Endpoint { method: "POST", path, credential, route }
}

pub const fn delete(path: &'static str, credential: Credential, route: fn(Route) -> Route) -> Endpoint {
    Endpoint { method: "DELETE", path, credential, route }
}

/// The endpoints of one path as one resource, so that every other method there is a 405.
pub fn resource(path: &str, endpoints: &[Endpoint]) -> Resource {
    endpoints.iter().fold(web::resource(path), |resource, endpoint| {
        let method = match endpoint.method {
            "POST" => web::post(),
            "DELETE" => web::delete(),
            _ => web::get(),
        };
        resource.route((endpoint.route)(method))
    })
}

/// The methods of `path`, as an `Allow` header lists them.
pub fn methods<'a>(endpoints: impl Iterator<Item = &'a Endpoint>, path: &str) -> String {
    endpoints.filter(|one| one.path == path).map(|one| one.method).collect::<Vec<_>>().join(", ")
}

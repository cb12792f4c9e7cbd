//! The HTTP contract: `/v1/2face/…` and the two health pages.
//!
//! A handler's credential is in its signature. Nothing here decides anything: it translates to the service and back.

use actix_web::web;

mod answer;
mod attempts;
mod credential;
mod documents;
mod error;
mod events;
mod faces;
mod gate;
mod health;
mod jobs;
mod paging;
mod sessions;
mod spanish;
mod unread;
mod upload;
mod users;

pub use upload::UploadMemory;

/// The route table, one line per endpoint. Needs `web::Data<Service>` and `web::Data<UploadMemory>`.
pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/healthz").get(health::healthz));
    app.service(web::resource("/readyz").get(health::readyz));
    app.service(
        web::scope("/v1/2face")
            .service(web::resource("/session").post(sessions::open))
            .service(web::resource("/session/close").post(sessions::close))
            .service(web::resource("/jobs/start/{workflowName}").post(jobs::start))
            .service(web::resource("/jobs/{id}").get(jobs::read))
            .service(web::resource("/faces/detect").post(faces::detect))
            .service(web::resource("/session/challenge").get(sessions::challenge))
            .service(web::resource("/faces/check-smile").post(faces::check_smile))
            .service(web::resource("/faces/check-blink").post(faces::check_blink))
            .service(web::resource("/faces/check-challenge").post(faces::check_challenge))
            .service(web::resource("/faces/compare").post(faces::compare))
            .service(web::resource("/documents/validate-document-type").post(documents::validate_type))
            .service(web::resource("/documents/validate-identity").post(documents::validate_identity))
            .service(web::resource("/attempts").get(attempts::list))
            .service(web::resource("/attempts/review/{id}").post(attempts::review))
            .service(web::resource("/attempts/{id}").get(attempts::read).delete(attempts::erase))
            .service(web::resource("/attempts/{id}/files/{name}").get(attempts::file))
            .service(web::resource("/events").get(events::list))
            .service(web::resource("/users").get(users::list).post(users::register))
            .service(web::resource("/users/search").post(users::search))
            .service(web::resource("/users/document/{documentId}").get(users::read_by_document))
            .service(web::resource("/users/{id}").get(users::read).delete(users::erase)),
    );
    app.default_service(web::route().to(error::no_route));
}

pub use gate::request as gate;

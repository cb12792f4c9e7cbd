//! The sentences of `error.rs` in Spanish.

use crate::domain::refusal::{Refusal, Stop};

/// What a client that prefers Spanish reads.
pub fn sentence(stop: &Stop) -> String {
    let refusal = match stop {
        Stop::Refused(refusal) => refusal,
        Stop::Failed(_) => return "Algo falló en el servidor. Dé el id de la solicitud a su administrador.".into(),
    };
    let text = match refusal {
        Refusal::InvalidToken => "Token inválido.",
        Refusal::ScopeMissing { scope } => return format!("Esta clave no tiene el alcance `{scope}`."),
        Refusal::UserAgentMissing => "Se requiere una cabecera User-Agent válida.",
        Refusal::BadSessionType => "`type` debe ser uno de los siguientes: SIGNUP,VALIDATION",
        Refusal::BadClosingStatus => "`status` debe ser uno de los siguientes: SUCCESS,FAILED,REVIEW",
        Refusal::BadSettlement => "`status` debe ser uno de los siguientes: CANCELLED,FAILED,SUCCESS",
        Refusal::BadDocumentType => "'documentType' debe ser uno de los siguientes: CEDULA, PASSPORT",
        Refusal::BadComparePayload => "Contenido inválido. Debe tener 'faceA', 'faceB' y 'threshold'.",
        Refusal::FileRequired => "Esta operación requiere un archivo.",
        Refusal::BadField { field, .. } => {
            return format!("El campo `{field}` falta o tiene un valor que no se puede usar.");
        }
        Refusal::UnreadableBody => "El cuerpo no es lo que dice su Content-Type, o llegó cortado.",
        Refusal::UnsupportedBody => "Envíe multipart/form-data, application/json o application/x-www-form-urlencoded.",
        Refusal::NoEntity { id } => return format!("No se encontró ninguna entidad con el ID: {id}"),
        Refusal::UnusableFile { sentence, .. } => return sentence.clone(),
        Refusal::NoWorkflow { name } => return format!("No se encontró ningún flujo con el nombre: {name}"),
        Refusal::NoRoute => "No existe ese recurso.",
        Refusal::MethodNotAllowed => "Este recurso no admite ese método.",
        Refusal::DocumentTaken => "Ya existe un usuario con este `documentId`.",
        Refusal::AttemptNotSuccessful => "Solo un intento con estado SUCCESS puede registrar a un usuario.",
        Refusal::AttemptTaken => "Ya se registró un usuario a partir de este intento.",
        Refusal::AttemptHasUser => "Se registró un usuario a partir de este intento. Elimine al usuario.",
        Refusal::AttemptNotInReview => "Solo se puede revisar un intento con estado REVIEW.",
        Refusal::BodyTooLarge => "Una solicitud puede llevar 10 MB como máximo.",
        Refusal::TextTooLarge => "Un cuerpo sin archivos puede llevar como máximo 1 MB.",
        Refusal::BodyTooSlow => "El cuerpo no llegó a tiempo.",
        Refusal::RateLimited { .. } => "Demasiadas solicitudes. Inténtelo más tarde.",
        Refusal::NoTriesLeft { .. } => {
            "A esta sesión no le quedan intentos para esta operación. Cree una sesión nueva."
        }
        Refusal::ChallengeGone => "Este nonce es desconocido, expiró o ya se usó. Pida un reto nuevo.",
        Refusal::Busy => "El servidor está ocupado. No se guardó nada; inténtelo de nuevo en un momento.",
        Refusal::BadIdempotencyKey => "`Idempotency-Key` debe tener de 1 a 255 caracteres ASCII imprimibles.",
        Refusal::RequestInFlight => {
            "Ya se atiende una solicitud con este `Idempotency-Key`. Pregunte de nuevo en un momento."
        }
        Refusal::OtherRequest => "Este `Idempotency-Key` se usó para una solicitud con otro cuerpo.",
        Refusal::NotReady => "El servidor está arrancando.",
        Refusal::StorageFull => "El servidor no tiene espacio para guardar esto. No se guardó nada.",
    };
    text.to_owned()
}

//! Every word that the console shows, in each language. `{}` is filled in, in order.

/// The languages that the console speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    #[default]
    English,
    Spanish,
}

impl Language {
    /// By the locale of whoever started it.
    pub fn of_environment() -> Self {
        let set = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(|name| std::env::var(name).ok());
        match set.into_iter().find(|value| !value.is_empty()) {
            Some(locale) if locale.starts_with("es") => Self::Spanish,
            _ => Self::English,
        }
    }

    pub fn other(self) -> Self {
        match self {
            Self::English => Self::Spanish,
            Self::Spanish => Self::English,
        }
    }

    /// The text, with each `{}` replaced by the next of `values`.
    pub fn fill(self, text: Text, values: &[&str]) -> String {
        let mut parts = self.say(text).split("{}");
        let mut out = parts.next().unwrap_or_default().to_owned();
        for (part, value) in parts.zip(values.iter().chain(std::iter::repeat(&""))) {
            out.push_str(value);
            out.push_str(part);
        }
        out
    }
}

macro_rules! texts {
    ($($name:ident $english:literal $spanish:literal)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Text { $($name),* }

        impl Text {
            pub const ALL: &[Text] = &[$(Text::$name),*];
        }

        impl Language {
            pub fn say(self, text: Text) -> &'static str {
                match (text, self) {
                    $((Text::$name, Language::English) => $english,
                      (Text::$name, Language::Spanish) => $spanish,)*
                }
            }
        }
    };
}

texts! {
    // Panes.
    Overview "Overview" "Resumen"
    Keys "Keys" "Claves"
    Accounts "Accounts" "Cuentas"
    Sessions "Sessions" "Sesiones"
    Limits "Limits" "Límites"
    Attempts "Attempts" "Intentos"
    Review "Review" "Revisión"
    Jobs "Jobs" "Trabajos"
    Users "Users" "Usuarios"
    Webhooks "Webhooks" "Webhooks"
    Workflows "Workflows" "Flujos"
    Audit "Audit" "Auditoría"
    Logs "Log" "Registro"
    Settings "Settings" "Ajustes"
    // Columns.
    Name "name" "nombre"
    Account "account" "cuenta"
    State "state" "estado"
    Scopes "scopes" "permisos"
    LastUse "last use" "último uso"
    Expires "ends" "termina"
    Created "created" "creado"
    Addresses "networks" "redes"
    Identifier "id" "id"
    KeepsPhotos "photos" "fotos"
    KeepsClips "clips" "vídeos"
    KeepsAttempts "attempts" "intentos"
    Kind "type" "tipo"
    Left "left" "resta"
    Tries "tries" "pruebas"
    Status "status" "estado"
    Age "age" "edad"
    JobCount "jobs" "trab."
    OpenedBy "opened by" "abierto por"
    SettledBy "settled by" "resuelto por"
    Operation "operation" "operación"
    Waited "waited" "espera"
    Ran "ran" "duró"
    Attempt "attempt" "intento"
    Document "document" "documento"
    Number "number" "número"
    Setting "setting" "ajuste"
    Value "value" "valor"
    From "from" "origen"
    Version "version" "versión"
    When "when" "cuándo"
    ThisMinute "this minute" "este minuto"
    Quota "a minute" "por minuto"
    Refused429 "429" "429"
    LastHour "429s of the last hour" "429 de la última hora"
    TriesRefused "no tries" "sin pruebas"
    OwnTries "tries of its own" "pruebas propias"
    Address "address" "dirección"
    Events "events" "eventos"
    Who "who" "quién"
    What "what" "qué"
    Whom "to which record" "a qué registro"
    Word "word" "palabra"
    Needs "needs" "pide"
    Steps "steps" "pasos"
    Unproven "unproven" "sin prueba"
    Disabled "disabled" "desactivado"
    ToReview "to review" "a revisión"
    Accepted "accepted" "se acepta"
    // States.
    Live "live" "activa"
    Revoked "revoked" "revocada"
    Expired "expired" "vencida"
    All "all" "todos"
    Anywhere "anywhere" "cualquiera"
    Never "never" "nunca"
    Kept "kept" "se guardan"
    Default "default" "por defecto"
    File "file" "archivo"
    Queued "queued" "en cola"
    Running "running" "en curso"
    Succeeded "succeeded" "superado"
    Failed "failed" "fallido"
    Invalid "invalid" "inválido"
    Gone "gone" "retirado"
    OfKey "key {}" "clave {}"
    // Overview.
    Ready "ready" "listo"
    NotReadyYet "not ready" "no listo"
    NoWarnings "Nothing needs attention." "Nada requiere atención."
    Serving "serving" "sirve en"
    RunningFor "running for" "en marcha"
    Certificate "certificate" "certificado"
    DaysLeft "{} days left" "{} días"
    SelfSigned "self-signed" "autofirmado"
    Memory "memory" "memoria"
    Disk "disk" "disco"
    FreeOf "{} free of {}" "{} libres de {}"
    Store "store" "almacén"
    TakesWrites "takes writes" "acepta escrituras"
    Stopped "stopped" "detenido"
    LastBackup "last backup" "últ. copia"
    Ago "{} ago" "hace {}"
    RequestsPerSecond "requests a second: {}" "peticiones por segundo: {}"
    JobsPerSecond "jobs a second: {}" "trabajos por segundo: {}"
    SinceStart "{} in all, {} refused, {} failed, {} over quota" "{} en total, {} rechazadas, {} fallidas, {} sobre cuota"
    Queue "queue" "cola"
    QueueIs "{} waiting of {}, {} running on {} threads" "{} esperan de {}, {} en curso en {} hilos"
    OpenSessions "sessions" "sesiones"
    OpenAndReview "{} open, {} to review" "{} abiertas, {} por revisar"
    AccountsAndKeys "{} with {} live keys" "{} con {} claves activas"
    NoJobsYet "No job has ended yet." "Aún no ha terminado ningún trabajo."
    You "you are" "usted es"
    Waiting "waiting for the server …" "esperando al servidor …"
    // Warnings.
    WarnStoreStopped "The disk failed and nothing is stored any more: start the server again." "El disco falló y ya no se guarda nada: reinicie el servidor."
    WarnNotReady "The models have not run yet; if this stays, look at the log." "Los modelos aún no han corrido; si persiste, mire el registro."
    WarnCertificateEnded "The certificate has ended: install a new one now." "El certificado ha vencido: instale otro ya."
    WarnCertificateEnds "The certificate ends in {} days: renew it." "El certificado vence en {} días: renuévelo."
    WarnDisk "The disk has only {} free: make room." "Al disco solo le quedan {} libres: haga sitio."
    WarnQueue "{} of {} places in the queue are taken." "{} de {} puestos de la cola están ocupados."
    WarnNoBackup "There was never a backup: `twoface backup DIR`." "Nunca hubo una copia: `twoface backup DIR`."
    WarnFaces "{} faces are not searched: see `twoface help operations`." "{} rostros no se buscan: vea `twoface help operations`."
    WarnBackupOld "The last backup is {} days old: `twoface backup DIR`." "La última copia tiene {} días: `twoface backup DIR`."
    WarnKeyEnds "The key {} ends in {} days: make its client a new one." "La clave {} vence en {} días: haga otra para su cliente."
    WarnOffline "No server runs. This is the store alone, and no server can start meanwhile." "No hay servidor. Esto es el almacén solo, y ningún servidor puede arrancar entretanto."
    // Lines above and below.
    LinkLost "The server does not answer; trying again. What is shown is from {} ago." "El servidor no responde; se reintenta. Lo mostrado es de hace {}."
    Masked "masked" "oculto"
    Loading "loading …" "cargando …"
    Empty "There is nothing here." "Aquí no hay nada."
    EmptyKeys "There is no key yet: n makes one." "Aún no hay claves: n crea una."
    EmptyAccounts "There is no account yet: n makes one." "Aún no hay cuentas: n crea una."
    EmptySessions "No session is open." "No hay sesiones abiertas."
    EmptyWebhooks "There is no receiver yet: n makes one." "Aún no hay receptores: n crea uno."
    EmptyReview "Nobody waits for a review." "Nadie espera una revisión."
    NothingFits "Nothing fits the search; Esc ends it." "Nada coincide con la búsqueda; Esc la termina."
    Shown "{} shown" "{} a la vista"
    ShownOf "{} of {}" "{} de {}"
    ThereIsMore "more below" "hay más abajo"
    SearchIs "search: {}" "búsqueda: {}"
    FilterIs "only {}" "solo {}"
    SortedBy "by {}" "por {}"
    TooSmall "The terminal is too small: 60×16 at least." "El terminal es demasiado pequeño: 60×16 como mínimo."
    // Commands.
    DoInspect "look" "ver"
    DoNew "new" "nuevo"
    DoRotate "rotate" "rotar"
    DoRevoke "revoke" "revocar"
    DoEnd "end session" "terminar sesión"
    DoFilter "by status" "por estado"
    DoFilterKind "by type" "por tipo"
    DoSort "sort" "ordenar"
    DoReverse "reverse" "invertir"
    DoSearch "search" "buscar"
    DoFind "find by number" "buscar por número"
    DoPalette "commands" "órdenes"
    DoHelp "help" "ayuda"
    DoPrivacy "mask people" "ocultar datos"
    DoLanguage "español" "English"
    DoRefresh "refresh" "recargar"
    DoCopy "copy id" "copiar id"
    DoErase "erase" "borrar"
    DoApprove "approve" "aprobar"
    DoReject "reject" "rechazar"
    DoCancel "cancel" "cancelar"
    DoChange "change" "cambiar"
    DoLimit "limit" "límite"
    DoTest "send a test" "enviar prueba"
    DoEnable "use again" "reactivar"
    DoRemove "remove" "quitar"
    DoRedeliver "redeliver" "reenviar"
    DoVerify "check the log" "comprobar"
    DoFindWord "search all" "buscar en todo"
    DoFollow "follow" "seguir"
    DoRetention "retention" "retención"
    DoUnproven "without proof" "sin prueba"
    DoQuit "quit" "salir"
    GoTo "go to {}" "ir a {}"
    // Help.
    HelpTitle "Help: {}" "Ayuda: {}"
    HelpMove "↑ ↓ j k  move      PgUp PgDn Ctrl-U Ctrl-D  a page      g G Home End  first, last" "↑ ↓ j k  mover      RePág AvPág Ctrl-U Ctrl-D  una página      g G Inicio Fin  primero, último"
    HelpPanes "← → h l Tab  another pane      1–9 0  that pane      Esc  back" "← → h l Tab  otro panel      1–9 0  ese panel      Esc  atrás"
    HelpMouse "Click selects, a second click opens, the wheel scrolls, a click above changes the pane." "Un clic elige, otro abre, la rueda desplaza, un clic arriba cambia de panel."
    HelpClose "any key closes this" "cualquier tecla lo cierra"
    HelpOverview "How the server is. Warnings come first; nothing here names a person. Figures are renewed every second." "Cómo está el servidor. Primero los avisos; nada aquí nombra a una persona. Las cifras se renuevan cada segundo."
    HelpKeys "API keys of all accounts. A new key's secret is shown once: copy it then. After a rotation the old secret works on for the hours that you give. A revoked key stays in the list." "Claves de API de todas las cuentas. El secreto de una clave nueva se muestra una vez: cópielo entonces. Tras rotar, el secreto anterior sirve las horas que usted dé. Una clave revocada queda en la lista."
    HelpAccounts "One account for each institution or application, with the days that its photos, clips and attempts are kept, and what becomes of a session that is closed as SUCCESS without a succeeded signup or compare." "Una cuenta por institución o aplicación, con los días que se guardan sus fotos, vídeos e intentos, y qué pasa con una sesión cerrada como SUCCESS sin un alta o comparación superada."
    HelpSessions "The sessions that are open now, newest first, with the time and the tries that are left. Ending one makes its token worthless and its attempt CANCELLED." "Las sesiones abiertas ahora, la más nueva primero, con el tiempo y las pruebas que restan. Terminar una anula su token y su intento queda CANCELLED."
    HelpLimits "Requests of this minute against the quota, of each account and of each key that has a quota of its own, with the refusals of the last hour minute by minute. A change counts from the next request on; an empty quota is the configuration's." "Peticiones de este minuto frente a la cuota, de cada cuenta y de cada clave con cuota propia, con los rechazos de la última hora minuto a minuto. Un cambio vale desde la próxima petición; una cuota vacía es la de la configuración."
    HelpWebhooks "Receivers of accounts' events. Enter shows how deliveries went, x delivers again what was given up. The secret that signs them is shown once." "Receptores de los eventos de las cuentas. Intro muestra cómo fueron las entregas, x entrega de nuevo las abandonadas. El secreto que las firma se muestra una vez."
    HelpAttempts "The records of sessions, newest first. Enter shows the stages with all that was measured; one in review opens for review." "Los registros de las sesiones, el más nuevo primero. Intro muestra las etapas con todo lo medido; uno en revisión se abre para revisarlo."
    HelpReview "Attempts that a client closed as REVIEW. Enter opens one and notes who looked first. Compare selfie and portrait, then approve, reject or cancel with a note. With four eyes the one who opened it may not settle it." "Intentos que un cliente cerró como REVIEW. Intro abre uno y anota quién miró primero. Compare la selfie y el retrato y luego apruebe, rechace o cancele con una nota. Con cuatro ojos, quien lo abrió no puede resolverlo."
    HelpJobs "Jobs of all accounts, newest first, with how long they waited and ran." "Trabajos de todas las cuentas, el más nuevo primero, con cuánto esperaron y duraron."
    HelpUsers "Registered people. Find one by the document's number in any spelling. Erasing leaves nothing of the person in the store and must be confirmed by typing." "Personas registradas. Busque una por el número del documento, escrito como sea. Borrar no deja nada de la persona en el almacén y se confirma escribiendo."
    HelpWorkflows "The workflows that clients may start, as the file of workflows declares them. A field in brackets may be left out. The file is read at the start; v checks it as it stands now." "Los flujos que los clientes pueden iniciar, como los declara su archivo. Un campo entre corchetes puede faltar. El archivo se lee al arrancar; v lo comprueba como está ahora."
    HelpAudit "Who did what to which record, newest first: the last thousand entries, or the last thousand with a word that you search all of it for. v checks that the log was not changed: each line names the hash of the one before, and checkpoints are signed." "Quién hizo qué con qué registro, lo más nuevo primero: las últimas mil entradas, o las últimas mil con la palabra que busque en todo. v comprueba que el registro no fue cambiado: cada línea nombra el resumen de la anterior y hay puntos firmados."
    HelpLogs "The server's log as it comes. Moving up stops following; f follows again." "El registro del servidor según llega. Subir deja de seguirlo; f lo sigue de nuevo."
    HelpSettings "The settings in effect and where each came from. They are changed in the configuration file; the server reads it at its start." "Los ajustes vigentes y el origen de cada uno. Se cambian en el archivo de configuración; el servidor lo lee al arrancar."
    // Forms.
    NewKey "New key" "Clave nueva"
    NewAccount "New account" "Cuenta nueva"
    FieldAccount "account" "cuenta"
    FieldName "name" "nombre"
    FieldScopes "scopes" "permisos"
    HintScopes "sessions jobs attempts users erase; empty: all" "sessions jobs attempts users erase; vacío: todos"
    FieldDays "days until it ends" "días hasta que termine"
    HintDays "empty: never" "vacío: nunca"
    FieldNetworks "networks" "redes"
    FieldCertificates "client certificates" "certificados"
    HintCertificates "SHA-256 fingerprints; empty: any, or none" "de cliente, huellas SHA-256; vacío: cualquiera o ninguno"
    NotAFingerprint "is not 64 hexadecimal digits" "no son 64 cifras hexadecimales"
    FieldAnswer "answer of its sessions" "respuesta"
    HintAnswer "job: the job's id; wait: the outcome" "job: el id del trabajo; wait: el resultado"
    NotAnAnswer "is neither job nor wait" "no es job ni wait"
    HintNetworks "like 10.1.0.0/16; empty: anywhere" "como 10.1.0.0/16; vacío: cualquiera"
    RotateKey "New secret for {}" "Secreto nuevo para {}"
    FieldOverlap "hours that the old one still works" "horas que el anterior aún sirve"
    LimitsOf "Limits of {}" "Límites de {}"
    LimitOfKey "Quota of the key {}" "Cuota de la clave {}"
    FieldRequests "requests a minute" "peticiones por minuto"
    HintRequests "empty: as the configuration has it" "vacío: la de la configuración"
    HintKeyRequests "empty: none of its own" "vacío: ninguna propia"
    FieldTries "tries of a session" "pruebas de una sesión"
    HintTries "compare_faces=5 signup=1; empty: as the configuration" "compare_faces=5 signup=1; vacío: la configuración"
    NotTries "is written NAME=NUMBER" "se escribe NOMBRE=NÚMERO"
    NewWebhook "New receiver" "Receptor nuevo"
    FieldUrl "address" "dirección"
    HintUrl "https://… on the list of [webhooks] allow" "https://… de la lista de [webhooks] allow"
    FieldEvents "events" "eventos"
    HintEvents "like job.finished attempt.closed; empty: all" "como job.finished attempt.closed; vacío: todos"
    NotAnEvent "is made of names of events" "se compone de nombres de eventos"
    SecretOfWebhook "New signing secret for {}" "Secreto de firma nuevo para {}"
    FindWord "Search the whole audit log" "Buscar en toda la auditoría"
    RedeliverTo "Send again to {}" "Reenviar a {}"
    FieldEvent "event" "evento"
    HintEvent "its id; empty: all that were given up" "su id; vacío: todos los abandonados"
    NotAnId "is not an id" "no es un id"
    FieldWord "word" "palabra"
    HintWord "an id, key.revoked, admin:ana; empty: the last entries" "un id, key.revoked, admin:ana; vacío: las últimas"
    FindUser "Find a person" "Buscar a una persona"
    FieldNumber "document number" "número de documento"
    NoteFor "Settle {} as {}" "Resolver {} como {}"
    FieldNote "note" "nota"
    HintNote "why; kept with the attempt" "por qué; queda con el intento"
    RetentionOf "How long {} keeps" "Cuánto guarda {}"
    FieldPhotoDays "days of photos" "días de fotos"
    FieldClipDays "days of clips" "días de vídeos"
    FieldAttemptDays "days of attempts" "días de intentos"
    HintKept "empty: for ever" "vacío: para siempre"
    FormKeys "Enter next, done on the last   Esc leave" "Intro siguiente, en el último termina   Esc salir"
    Required "must be given" "es obligatorio"
    NotANumber "is a whole number" "es un número entero"
    NotAScope "is made of the words below" "se compone de las palabras de abajo"
    NotANetwork "is made of networks as below" "se compone de redes como la de abajo"
    // Confirmations.
    SureRevoke "Revoke the key {} of {}? Its clients are refused from the next request on. Sessions opened with it go on until they end." "¿Revocar la clave {} de {}? Sus clientes serán rechazados desde la próxima petición. Las sesiones abiertas con ella siguen hasta terminar."
    SureRemove "Remove the receiver {}, with everything that is on its way to it?" "¿Quitar el receptor {}, con todo lo que va en camino?"
    SureUnprovenReview "From now on a session of {} that is closed as SUCCESS without a succeeded signup or compare goes to REVIEW. Change it?" "En adelante, una sesión de {} que se cierre como SUCCESS sin un signup o compare logrado pasa a REVIEW. ¿Cambiar?"
    SureUnprovenAccepted "From now on a session of {} may be closed as SUCCESS without a succeeded signup or compare. Change it?" "En adelante, una sesión de {} puede cerrarse como SUCCESS sin un signup o compare logrado. ¿Cambiar?"
    SureEnd "End the session {}? Its token works no more, and its attempt becomes CANCELLED." "¿Terminar la sesión {}? Su token deja de servir y su intento queda CANCELLED."
    SureErase "Erase the person {} with everything stored? It cannot be undone." "¿Borrar a la persona {} con todo lo guardado? No se puede deshacer."
    SureQuit "Leave the console? The server goes on." "¿Salir de la consola? El servidor sigue."
    TypeToConfirm "type {} to go on" "escriba {} para seguir"
    YesNo "y yes   n no" "s sí   n no"
    SecretTitle "The secret" "El secreto"
    SecretOnce "It is shown this once and cannot be had again." "Se muestra esta vez y no se puede recuperar."
    SecretKeys "c copy   Esc done" "c copiar   Esc listo"
    // Notices.
    Copied "Copied, if your terminal takes it (OSC 52)." "Copiado, si su terminal lo permite (OSC 52)."
    DoneRevoked "The key is revoked." "La clave está revocada."
    DoneEnded "The session is ended." "La sesión está terminada."
    DoneErased "Erased: {} records, {} files." "Borrado: {} registros, {} archivos."
    DoneSettled "Settled as {}." "Resuelto como {}."
    DoneAccount "The account is there." "La cuenta está."
    DoneLimits "The limits count from the next request on." "Los límites valen desde la próxima petición."
    DoneRemoved "Nothing more is sent to {}." "Ya no se envía nada a {}."
    DoneTested "A test is on its way to {}." "Una prueba va en camino a {}."
    DoneEnabled "{} is sent what happens from now on." "Se envía a {} lo que ocurra desde ahora."
    DoneRedelivered "{} deliveries are due now." "{} entregas se hacen ahora."
    Deliveries "Deliveries, newest event first" "Entregas, el evento más nuevo primero"
    Delivered "delivered" "entregado"
    WaitingFor "waits until {}" "espera hasta {}"
    GivenUp "given up" "abandonado"
    WorkflowsSame "The file of workflows is good, and as it is in force." "El archivo de flujos está bien y es el vigente."
    WorkflowsDiffer "The file of workflows is good; a restart brings these into force: {}." "El archivo de flujos está bien; un reinicio pone en vigor: {}."
    AuditWhole "The audit log is whole: {} entries, {} checkpoints." "La auditoría está íntegra: {} entradas, {} puntos firmados."
    NobodyFound "Nobody is registered under this number." "Nadie está registrado con ese número."
    Reconnected "The server answers again." "El servidor responde de nuevo."
    // Attempt and review.
    Selfie "selfie" "selfie"
    Portrait "document" "documento"
    NoPhoto "no photo" "sin foto"
    PhotoHidden "masked" "oculta"
    Score "score" "puntuación"
    Threshold "threshold {}" "umbral {}"
    FalseMatchRate "false match rate" "falsa coincidencia"
    Extrapolated "extrapolated" "extrapolada"
    OneIn "1 in {}" "1 de {}"
    SamePerson "counts as the same person" "cuenta como la misma persona"
    OtherPerson "does not count as the same person" "no cuenta como la misma persona"
    Liveness "liveness" "vida"
    Warnings "warnings" "avisos"
    None "none" "ninguno"
    Fields "read from the document" "leído del documento"
    Stages "stages" "etapas"
    OpenedAt "opened by {} {} ago" "abierto por {} hace {}"
    FourEyes "four eyes: you opened it, another must settle it" "cuatro ojos: usted lo abrió, otro debe resolverlo"
    SettledAs "settled by {}: {}" "resuelto por {}: {}"
    Disagrees "{} disagree" "{} discrepan"
    Parameters "asked for" "se pidió"
    Files "files" "archivos"
    Output "answer" "respuesta"
    Measured "measured" "medido"
    Removed "removed" "eliminado"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_fill_in_the_same_values() {
        for text in Text::ALL {
            let holes = |language: Language| language.say(*text).matches("{}").count();
            assert_eq!(holes(Language::English), holes(Language::Spanish), "{text:?}");
        }
        assert_eq!(Language::Spanish.fill(Text::FreeOf, &["1 GiB", "2 GiB"]), "1 GiB libres de 2 GiB");
        assert_eq!(Language::English.fill(Text::FreeOf, &["1"]), "1 free of ");
    }
}

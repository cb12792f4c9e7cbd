//! Which vector instructions this processor has. A value of [`Isa`] is proof that they exist here: it comes only from
//! asking the processor, so a kernel that needs them can be entered wherever one is at hand.

/// The instructions that kernels may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Isa(pub(super) Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Isa {
    /// The widest that this processor has.
    pub fn best() -> Isa {
        let mut best = Isa(Kind::Scalar);
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 =
                is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c");
            if avx2 {
                best = Isa(Kind::Avx2);
            }
            if avx2 && is_x86_feature_detected!("avx512f") {
                best = Isa(Kind::Avx512);
            }
        }
        best
    }

    /// Every set that this processor has, narrowest first: what tests and benches go through.
    pub fn available() -> Vec<Isa> {
        let mut all = vec![Isa(Kind::Scalar)];
        #[cfg(target_arch = "x86_64")]
        match Isa::best().0 {
            Kind::Scalar => {}
            Kind::Avx2 => all.push(Isa(Kind::Avx2)),
            Kind::Avx512 => all.extend([Isa(Kind::Avx2), Isa(Kind::Avx512)]),
        }
        all
    }

    /// For the log.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "AVX2+FMA",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => "AVX-512",
        }
    }

    /// How many columns of a matrix one panel holds.
    pub(super) fn panel_width(self) -> usize {
        match self.0 {
            Kind::Scalar => 16,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => 16,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => 32,
        }
    }
}

/// Defines a function that takes an [`Isa`] first and is compiled once for each, the body being vectorised by the
/// compiler. The body is safe code; only entering it with other instructions enabled is not. `FUSED` tells it whether
/// there is an instruction that multiplies and adds.
macro_rules! versions {
    ($(#[$doc:meta])* pub fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $body:block) => {
        $(#[$doc])*
        pub fn $name(isa: $crate::vision::kernels::isa::Isa, $($arg: $ty),*) {
            #[inline(always)]
            #[allow(clippy::extra_unused_type_parameters)]
            fn body<const FUSED: bool>($($arg: $ty),*) $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c")]
            fn avx2($($arg: $ty),*) {
                body::<true>($($arg),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx2,fma,f16c")]
            fn avx512($($arg: $ty),*) {
                body::<true>($($arg),*)
            }

            match isa.0 {
                $crate::vision::kernels::isa::Kind::Scalar => body::<false>($($arg),*),
                // SAFETY: an `Isa` of this kind exists only where the processor has these instructions.
                #[cfg(target_arch = "x86_64")]
                $crate::vision::kernels::isa::Kind::Avx2 => unsafe { avx2($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::vision::kernels::isa::Kind::Avx512 => unsafe { avx512($($arg),*) },
            }
        }
    };
}
pub(super) use versions;

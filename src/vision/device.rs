//! Where the networks run: on the processor, or on a graphics card in a build that can (feature `cuda`).

use candle_core::utils::cuda_is_available;

use super::{LoadError, kernels};

/// What the administrator asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// The first graphics card where there is one that this build can use, and the processor otherwise.
    Auto,
    Cpu,
    /// A graphics card by its number.
    Cuda(usize),
}

impl std::fmt::Display for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Device::Auto => f.write_str("auto"),
            Device::Cpu => f.write_str("cpu"),
            Device::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

impl Device {
    /// The device itself; the log says which.
    pub(super) fn open(self) -> Result<candle_core::Device, LoadError> {
        let number = match self {
            Device::Cpu => return Ok(processor()),
            Device::Auto if !cuda_is_available() => return Ok(processor()),
            Device::Auto => 0,
            Device::Cuda(_) if !cuda_is_available() => {
                return Err(LoadError::Device(self, "this build runs on processors only".into()));
            }
            Device::Cuda(number) => number,
        };
        match candle_core::Device::new_cuda(number) {
            Ok(card) => {
                tracing::info!(card = number, "the networks run on a graphics card");
                Ok(card)
            }
            Err(error) if self == Device::Auto => {
                tracing::info!(%error, "no graphics card can be used");
                Ok(processor())
            }
            Err(error) => Err(LoadError::Device(self, error.to_string())),
        }
    }
}

fn processor() -> candle_core::Device {
    match kernels::Isa::best().name() {
        "scalar" => tracing::warn!("this processor has no AVX2: every photo takes many times as long"),
        instructions => tracing::info!(instructions, "the networks run in vectors"),
    }
    candle_core::Device::Cpu
}

#[cfg(all(test, not(feature = "cuda")))]
mod tests {
    use super::*;

    #[test]
    fn a_build_without_cards_says_so_and_takes_the_processor_by_itself() {
        assert!(matches!(Device::Auto.open(), Ok(candle_core::Device::Cpu)));
        assert!(matches!(Device::Cpu.open(), Ok(candle_core::Device::Cpu)));
        let refused = Device::Cuda(1).open().unwrap_err().to_string();
        assert_eq!(refused, "cuda:1 cannot be used: this build runs on processors only");
    }
}

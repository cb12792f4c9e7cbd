//! Every vector kernel against its plain twin, over many shapes, borders and strides.

use proptest::prelude::*;

use super::gemm::Residual;
use super::*;

/// Numbers in -1..1 that depend on the seed alone.
fn noise(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn vectors() -> Vec<Isa> {
    Isa::available().into_iter().filter(|isa| isa.name() != "scalar").collect()
}

fn scalar() -> Isa {
    Isa::available()[0]
}

/// Within `tolerance` of the largest value that is expected.
fn assert_close(ours: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(ours.len(), expected.len(), "{what}");
    // Sums of up to some hundred products of numbers around 1: where they cancel, what is left of rounding is still of that size.
    let largest = expected.iter().fold(1.0_f32, |m, v| m.max(v.abs()));
    for (at, (a, b)) in ours.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= tolerance * largest, "{what}: {a} and {b} at {at}, largest {largest}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn products_agree(
        seed: u64,
        runs in 1usize..4,
        run in 1usize..70,
        columns in 1usize..130,
        count in 1usize..70,
        gap in 0usize..9,
        step in 1usize..3,
        leaks: bool,
        residual: bool,
    ) {
        let depth = runs * run;
        let weights = noise(seed, depth * columns);
        let bias = noise(seed + 1, columns);
        let slopes = leaks.then(|| noise(seed + 2, columns));
        let stride = run * step + gap;
        let map = noise(seed + 3, runs * (count * stride + run));
        let stretches: Vec<&[f32]> = map.chunks_exact(count * stride + run).collect();
        let out_stride = columns.next_multiple_of(16) + gap;
        let added = noise(seed + 4, count * out_stride);
        let added: Residual = residual.then_some((&added, out_stride));
        let product = |isa: Isa| {
            let panels = Panels::pack(isa, depth, columns, |k, c| weights[k * columns + c], &bias, slopes.as_deref());
            let mut out = vec![7.0; count * out_stride];
            multiply(&panels, Pixels { runs: &stretches, run, count, stride }, added, &mut out, out_stride);
            out
        };
        let expected = product(scalar());
        for isa in vectors() {
            assert_close(&product(isa), &expected, 1e-5, isa.name());
        }
    }

    #[test]
    fn depthwise_rows_agree(
        seed: u64,
        size in prop::sample::select(vec![(3, 3), (5, 5), (1, 3), (3, 1), (2, 2), (1, 7), (7, 7), (5, 3)]),
        channels in 1usize..50,
        width in 1usize..60,
        stride in 1usize..4,
        pad in 0usize..4,
        gap in prop::sample::select(vec![0usize, 16]),
        leaks: bool,
    ) {
        let pad = pad.min(size.1 - 1);
        prop_assume!(width + 2 * pad >= size.1);
        let out_width = (width + 2 * pad - size.1) / stride + 1;
        let pitch = channels.next_multiple_of(16) + gap;
        let weights = noise(seed, channels * size.0 * size.1);
        let bias = noise(seed + 1, channels);
        let slopes = leaks.then(|| noise(seed + 2, channels));
        let map = noise(seed + 3, size.0 * width * pitch);
        let rows: Vec<&[f32]> = map.chunks_exact(width * pitch).collect();
        let convolve = |isa: Isa| {
            let filters = Filters::pack(isa, &weights, size, stride, pad, &bias, slopes.as_deref());
            let mut out = vec![7.0; out_width * pitch];
            depthwise(&filters, &rows, width, pitch, &mut out, out_width);
            out
        };
        let expected = convolve(scalar());
        for isa in vectors() {
            assert_close(&convolve(isa), &expected, 1e-5, isa.name());
        }
    }

    #[test]
    fn minimal_filtering_agrees_with_the_definition(
        seed: u64,
        channels in 24usize..60,
        out in 16usize..50,
        width in 1usize..90,
        high in 1usize..5,
        leaks: bool,
    ) {
        let weights = noise(seed, out * channels * 9);
        let bias = noise(seed + 1, out);
        let slopes = leaks.then(|| noise(seed + 2, out));
        let (pitch, out_pitch) = (channels.next_multiple_of(16), out.next_multiple_of(16) + 16);
        let map = noise(seed + 3, 6 * width * pitch);
        let rows: Vec<&[f32]> = map.chunks_exact(width * pitch).collect();
        // The definition, as the plain product over windows cut out with zeros around.
        let mut expected = vec![0.0; high * width * out];
        for (at, e) in expected.iter_mut().enumerate() {
            let (y, x, o) = (at / out / width, at / out % width, at % out);
            let mut sum = f64::from(bias[o]);
            for (tap, c) in (0..9).flat_map(|tap| (0..channels).map(move |c| (tap, c))) {
                if let Some(x) = (x + tap % 3).checked_sub(1).filter(|x| *x < width) {
                    sum += f64::from(rows[y + tap / 3][x * pitch + c] * weights[(o * channels + c) * 9 + tap]);
                }
            }
            *e = (if sum < 0.0 { slopes.as_ref().map_or(1.0, |s| f64::from(s[o])) * sum } else { sum }) as f32;
        }
        for isa in vectors() {
            let filters = Winograd::pack(isa, &weights, (out, channels), &bias, slopes.as_deref()).unwrap();
            let mut scratch = vec![f32::NAN; filters.scratch()];
            let mut made = vec![7.0; high * width * out_pitch];
            let six = [rows[0], rows[1], rows[2], rows[3], rows[4], rows[5]];
            winograd(&filters, six, (width, pitch), &mut scratch, &mut made, out_pitch);
            let made: Vec<f32> = made.chunks_exact(out_pitch).flat_map(|pixel| &pixel[..out]).copied().collect();
            assert_close(&made, &expected, 3e-5, isa.name());
        }
    }

    #[test]
    fn rows_by_a_matrix_agree(seed: u64, depth in 1usize..300, columns in 1usize..150, rows in 1usize..6, gap in 0usize..5) {
        let weights = noise(seed, depth * columns);
        let bias = noise(seed + 1, columns);
        let x = noise(seed + 2, rows * (depth + gap));
        // Halves that are finite: the exponent's top bit is off.
        let halves: Vec<u16> = weights.iter().map(|w| w.to_bits() as u16 & 0xbfff).collect();
        for from_halves in [false, true] {
            let product = |isa: Isa| {
                let matrix = if from_halves {
                    Matrix::pack_halves(isa, depth, columns, |k, c| halves[k * columns + c], &bias)
                } else {
                    Matrix::pack(isa, depth, columns, |k, c| weights[k * columns + c], &bias)
                };
                let mut out = vec![7.0; rows * matrix.padded_columns()];
                multiply_rows(&matrix, &x, depth + gap, rows, &mut out);
                out
            };
            let expected = product(scalar());
            for isa in vectors() {
                assert_close(&product(isa), &expected, 1e-5, isa.name());
            }
        }
    }

    #[test]
    fn simple_operations_agree(seed: u64, width in 1usize..20, channels in 1usize..40, size in 1usize..4, stride in 1usize..3) {
        let x: Vec<f32> = noise(seed, size * (width * stride + size) * channels).iter().map(|x| x * 9.0).collect();
        let rows: Vec<&[f32]> = x.chunks_exact((width * stride + size) * channels).collect();
        let row = &rows[0][..width * channels];
        let all = |isa: Isa| {
            let mut made: Vec<Vec<f32>> = Vec::new();
            let mut with = |length: usize, run: &dyn Fn(&mut [f32])| {
                let mut out = vec![7.0; length];
                out.iter_mut().zip(&x).for_each(|(o, x)| *o = *x);
                run(&mut out);
                made.push(out);
            };
            with(width * channels, &|out| simple::max_pool(isa, &rows, stride, channels, out));
            with(width * channels, &|out| simple::affine(isa, row, 0.5, 2.0, out));
            with(width * channels, &|out| simple::add(isa, row, &rows[0][channels..], out));
            with(width * size * channels, &|out| simple::upsample(isa, row, size, channels, out));
            let base = &x[..x.len().min(width * size * channels)];
            with(width * size * channels, &|out| simple::add_upsampled(isa, base, row, size, channels, out));
            with(width * channels, &|out| simple::average_pool(isa, &rows, stride, channels, out));
            with(width * channels, &|out| simple::scale(isa, row, &x[..channels], out));
            with(channels, &|out| simple::add_pixels(isa, row, out));
            with(width * channels, &|out| simple::leak(isa, out, &x[..channels]));
            let half = channels.div_ceil(2);
            with(width * channels, &|out| attention::softmax(isa, row, channels, half, out));
            with(width * channels, &|out| attention::layer_norm(isa, row, channels, &x[..half], &x[half..2 * half], 1e-3, out));
            with(width * channels, &|out| simple::sigmoid(isa, out));
            with(width * channels, &|out| simple::silu(isa, out));
            with(width * channels, &|out| simple::hard_swish(isa, out));
            with(width * channels, &|out| simple::hard_sigmoid(isa, out, 0.2));
            with(width * channels, &|out| simple::gelu(isa, out));
            made
        };
        let expected = all(scalar());
        for isa in vectors() {
            for (ours, expected) in all(isa).iter().zip(&expected) {
                assert_close(ours, expected, 1e-6, isa.name());
            }
        }
    }

    #[test]
    fn attention_agrees(seed: u64, tokens in 1usize..70, heads in 1usize..5, size in 1usize..20, gap in 0usize..20) {
        let pitch = 3 * heads * size + gap;
        let x = noise(seed, tokens * pitch);
        let attend = |isa: Isa| {
            let mut scratch = vec![f32::NAN; attention_scratch(tokens, size)];
            let mut out = vec![7.0; tokens * (heads * size + gap)];
            attention::attention(isa, &x, pitch, (heads, size), &mut scratch, &mut out, heads * size + gap);
            out
        };
        let expected = attend(scalar());
        prop_assert!(expected.iter().all(|v| v.is_finite()));
        for isa in vectors() {
            assert_close(&attend(isa), &expected, 1e-5, isa.name());
        }
    }

    #[test]
    fn exponential_is_right(x in -86f32..87.0) {
        let exact = f64::from(x).exp();
        for ours in [simple::exp::<true>(x), simple::exp::<false>(x)] {
            prop_assert!((f64::from(ours) / exact - 1.0).abs() < 4e-7, "{ours} for e^{x} = {exact}");
        }
    }

    #[test]
    fn gelu_is_right(x in -12f32..12.0) {
        // Φ by its series, which converges everywhere and is exact enough in f64 this near to zero.
        let (exact, mut term, mut sum) = (f64::from(x), f64::from(x), f64::from(x));
        for n in 1..400 {
            term *= exact * exact / f64::from(2 * n + 1);
            sum += term;
        }
        let normal = 0.5 + sum * (-exact * exact / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
        for isa in Isa::available() {
            let mut ours = [x];
            simple::gelu(isa, &mut ours);
            prop_assert!((f64::from(ours[0]) - exact * normal).abs() < 1.5e-6, "{} for {x}", ours[0]);
        }
    }
}

#[test]
fn halves_are_read_exactly() {
    let known =
        [(0x0000, 0.0), (0x8000, -0.0), (0x3c00, 1.0), (0xc000, -2.0), (0x7bff, 65504.0), (0x3555, 0.333_251_95)];
    for (bits, value) in known {
        assert_eq!(linear::from_half(bits).to_bits(), f32::to_bits(value));
    }
    assert_eq!(linear::from_half(0x0001), 2f32.powi(-24), "the smallest subnormal");
    assert_eq!(linear::from_half(0x03ff), 1023.0 * 2f32.powi(-24), "the largest subnormal");
    assert_eq!(linear::from_half(0x0400), 2f32.powi(-14), "the smallest normal");
    assert!(linear::from_half(0x7c00).is_infinite() && linear::from_half(0x7e00).is_nan());
}

#[test]
#[should_panic]
fn a_row_that_is_too_short_is_caught() {
    let panels = Panels::pack(Isa::best(), 4, 16, |_, _| 1.0, &[0.0; 16], None);
    let mut out = [0.0; 32];
    multiply(&panels, Pixels { runs: &[&[1.0; 7]], run: 4, count: 2, stride: 4 }, None, &mut out, 16);
}

// Rounding to IEEE half precision, ties to even, in integer arithmetic: WGSL's own conversions may round either way.

// The bits of the half nearest to x; |x| of 65520 and more gives infinity, subnormal halves are kept.
fn half_bits(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  let sign = (bits >> 16u) & 0x8000u;
  let magnitude = bits & 0x7fffffffu;
  if (magnitude >= 0x477ff000u) {
    return sign | select(0x7c00u, 0x7e00u, magnitude > 0x7f800000u);
  }
  if (magnitude < 0x38800000u) {
    if (magnitude < 0x33000000u) {
      return sign;
    }
    let shift = 126u - (magnitude >> 23u);
    let mantissa = (magnitude & 0x7fffffu) | 0x800000u;
    let half = 1u << (shift - 1u);
    let whole = mantissa >> shift;
    let rest = mantissa & ((1u << shift) - 1u);
    let up = rest > half || (rest == half && (whole & 1u) == 1u);
    return sign | (whole + select(0u, 1u, up));
  }
  return sign | ((magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13u) & 1u)) >> 13u);
}

// The value of a half, exact.
fn half_value(bits: u32) -> f32 {
  let sign = select(1.0, -1.0, (bits & 0x8000u) != 0u);
  let exponent = (bits >> 10u) & 0x1fu;
  let mantissa = bits & 0x3ffu;
  if (exponent == 0u) {
    return sign * f32(mantissa) * 5.9604644775390625e-8;
  }
  let wide = select(((exponent + 112u) << 23u) | (mantissa << 13u), 0x7f800000u | (mantissa << 13u), exponent == 31u);
  return sign * bitcast<f32>(wide);
}

fn round_to_half(x: f32) -> f32 {
  return half_value(half_bits(x));
}

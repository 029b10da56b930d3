// Arithmetic of the EXL2 format (src/exl2/README.md); needs lib/half.wgsl.

// To half precision, ties to even, where x is a half times an integer: then what is below 2⁻¹⁴ needs no rounding.
fn round_product_to_half(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let rounded = (bits + 0xfffu + ((bits >> 13u) & 1u)) & 0xffffe000u;
  // From 65520 on it is infinite.
  let magnitude = bits & 0x7fffffffu;
  let too_large = magnitude >= 0x477ff000u && magnitude <= 0x7f800000u;
  return bitcast<f32>(select(rounded, (bits & 0x80000000u) | 0x7f800000u, too_large));
}

// Working scale of a column: f16(f16(c²) · f16(scale_max / 256)), c = 1…16 (c² is exact in f16).
fn exl2_scale(scale_code: u32, scale_max: f32) -> f32 {
  let unit = round_to_half(scale_max * 0.00390625);
  return round_product_to_half(f32(scale_code * scale_code) * unit);
}

// Value of a code: f16((code − 2^(bits−1)) · scale).
fn exl2_value(code: u32, bits: u32, scale: f32) -> f32 {
  return round_product_to_half(f32(i32(code) - i32(1u << (bits - 1u))) * scale);
}

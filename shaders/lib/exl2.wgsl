// Arithmetic of the EXL2 format (src/exl2/README.md); needs lib/half.wgsl.

// Working scale of a column: f16(f16(c²) · f16(scale_max / 256)), c = 1…16 (c² is exact in f16).
fn exl2_scale(scale_code: u32, scale_max: f32) -> f32 {
  let unit = round_to_half(scale_max * 0.00390625);
  return round_to_half(f32(scale_code * scale_code) * unit);
}

// Value of a code: f16((code − 2^(bits−1)) · scale).
fn exl2_value(code: u32, bits: u32, scale: f32) -> f32 {
  return round_to_half(f32(i32(code) - i32(1u << (bits - 1u))) * scale);
}

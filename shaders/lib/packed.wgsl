// Reading EXL2's packed weights, four columns at a time. A chunk is 32 rows of one group: as many whole words of a
// column as the group has bits.
//
// Each chunk is described by vec4u(first packed row, bits, group, f32 bits of f16(scale unit / 256)).

// To half precision, ties to even, where x is a half times an integer: then what is below 2⁻¹⁴ needs no rounding.
// (Beyond the range of halves it gives a number where a half would be infinite.)
fn round_four_to_half(x: vec4f) -> vec4f {
  let bits = bitcast<vec4u>(x);
  return bitcast<vec4f>((bits + 0xfffu + ((bits >> vec4u(13u)) & vec4u(1u))) & vec4u(0xffffe000u));
}

// Working scales of four columns; `nibbles` holds their stored scale codes − 1 in its lower half.
fn four_scales(nibbles: u32, unit: u32) -> vec4f {
  let codes = ((vec4u(nibbles) >> vec4u(0u, 4u, 8u, 12u)) & vec4u(15u)) + 1u;
  return round_four_to_half(vec4f(codes * codes) * bitcast<f32>(unit));
}

// Values of four columns' codes in the low `bits` of each component; what is above is ignored.
fn four_values(codes: vec4u, bits: u32, scales: vec4f) -> vec4f {
  let mask = (1u << bits) - 1u;
  return round_four_to_half(vec4f(vec4i(codes & vec4u(mask)) - vec4i(1i << (bits - 1u))) * scales);
}

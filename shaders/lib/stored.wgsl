// Element i of `source`, an array of words with the bytes of a file, by the file's dtype. Exact. Needs half.wgsl.

fn load_f32(i: u32) -> f32 {
  return bitcast<f32>(source[i]);
}

fn load_f16(i: u32) -> f32 {
  return half_value((source[i / 2u] >> (i % 2u * 16u)) & 0xffffu);
}

fn load_bf16(i: u32) -> f32 {
  return bitcast<f32>((source[i / 2u] >> (i % 2u * 16u)) << 16u);
}

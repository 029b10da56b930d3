// What quantizing has changed, in act-order: d[r, j] = W[perm[r], j] − value(code[r, j]).
//
// w : (k, n) f32, weight before, in input-feature order   codes, scaleCodes, scaleMax, rows, perm: see dequantize
// d : (k, n) f32
// Workgroup (columns, row) of 64 invocations; one invocation makes four rows of a column.

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let column = group.x * 64u + lane;
  if (column >= s.n) {
    return;
  }
  let word = codes[group.y * s.n + column];
  // Groups hold multiples of 32 rows, so the four rows share theirs.
  let row = rows[group.y * 4u];
  let scale = exl2_scale(scaleCodes[row / 16u * s.n + column], half_value(scaleMax[row / 16u]));
  for (var i = 0u; i < 4u; i++) {
    let r = group.y * 4u + i;
    let value = exl2_value((word >> (i * 8u)) & 0xffu, row % 16u, scale);
    d[r * s.n + column] = w[perm[r] * s.n + column] - value;
  }
}

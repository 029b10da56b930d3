// Weights of one quantized linear from its codes, in input-feature order: w[perm[r], j] = value(code[r, j]).
//
// codes : (k/4, n) u32, four rows to a word, a byte each   scaleCodes : (groups, n) u32, c = 1…16
// scaleMax : (groups) u32, half bits of the stored unit   rows : (k) u32, group · 16 + bits of each row
// perm : (k) u32, input feature of each row   w : (k, n) f32
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
    let code = (word >> (i * 8u)) & 0xffu;
    w[perm[group.y * 4u + i] * s.n + column] = exl2_value(code, row % 16u, scale);
  }
}

// Weights of one quantized linear from its codes, in input-feature order: w[perm[r], j] = value(code[r, j]).
//
// codes : (k/4, n) u32, four rows to a word   scale_codes : (groups, n) u32   scale_max : (groups) u32 half bits
// rows : (k) u32, group · 16 + bits of each row   perm : (k) u32   w : (k, n) f32
// Workgroup (columns, row) of 64 invocations; one invocation makes four rows of a column.

struct Scalars {
  k: u32,
  n: u32,
}

@group(0) @binding(0) var<uniform> s: Scalars;
@group(0) @binding(1) var<storage, read> codes: array<u32>; // codes, a byte each
@group(0) @binding(2) var<storage, read> scale_codes: array<u32>; // scale code of each column
@group(0) @binding(3) var<storage, read> scale_max: array<u32>; // stored unit of each group
@group(0) @binding(4) var<storage, read> rows: array<u32>; // group and bits of each row
@group(0) @binding(5) var<storage, read> perm: array<u32>; // input feature of each row
@group(0) @binding(6) var<storage, read_write> w: array<f32>; // weights

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let column = group.x * 64u + lane;
  if (column >= s.n) {
    return;
  }
  let word = codes[group.y * s.n + column];
  // Groups hold multiples of 32 rows, so the four rows share theirs.
  let row = rows[group.y * 4u];
  let scale = exl2_scale(scale_codes[row / 16u * s.n + column], half_value(scale_max[row / 16u]));
  for (var i = 0u; i < 4u; i++) {
    let code = (word >> (i * 8u)) & 0xffu;
    w[perm[group.y * 4u + i] * s.n + column] = exl2_value(code, row % 16u, scale);
  }
}

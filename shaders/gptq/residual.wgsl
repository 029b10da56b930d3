// What quantizing has changed, in act-order: d[r, j] = W[perm[r], j] − value(code[r, j]).
//
// w : (k, n) f32, input-feature order   codes, scale_codes, scale_max, rows, perm: see dequantize   d : (k, n) f32
// Workgroup (columns, row) of 64 invocations; one invocation makes four rows of a column.

struct Scalars {
  k: u32,
  n: u32,
}

@group(0) @binding(0) var<uniform> s: Scalars;
@group(0) @binding(1) var<storage, read> w: array<f32>; // weight before
@group(0) @binding(2) var<storage, read> codes: array<u32>; // codes, a byte each
@group(0) @binding(3) var<storage, read> scale_codes: array<u32>; // scale code of each column
@group(0) @binding(4) var<storage, read> scale_max: array<u32>; // stored unit of each group
@group(0) @binding(5) var<storage, read> rows: array<u32>; // group and bits of each row
@group(0) @binding(6) var<storage, read> perm: array<u32>; // input feature of each row
@group(0) @binding(7) var<storage, read_write> d: array<f32>; // change of the weight

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
    let r = group.y * 4u + i;
    let value = exl2_value((word >> (i * 8u)) & 0xffu, row % 16u, scale);
    d[r * s.n + column] = w[perm[r] * s.n + column] - value;
  }
}

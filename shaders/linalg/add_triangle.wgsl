// Adds the lower triangle of H to a packed one: p[i·(i + 1)/2 + j] += H[i, j] for j ≤ i.
//
// h : (k, k) f32, its upper triangle is not read   p : (k·(k + 1)/2) f32, row after row.
// One workgroup takes 256 elements of a row.

struct Scalars {
  k: u32,
}

@group(0) @binding(0) var<uniform> s: Scalars;
@group(0) @binding(1) var<storage, read> h: array<f32>; // row-major
@group(0) @binding(2) var<storage, read_write> p: array<f32>; // in place

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y;
  let column = id.x;
  if (column <= row && row < s.k) {
    p[row * (row + 1u) / 2u + column] += h[row * s.k + column];
  }
}

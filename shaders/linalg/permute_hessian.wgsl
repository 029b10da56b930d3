// A[i, j] = scale · H[order[i], order[j]], on the diagonal times 1 + ratio, plus damp.
//
// h : (k, k) f32, symmetric   order : (k) u32   a : (k, k) f32. One workgroup takes 64 elements of a row.

struct Scalars {
  k: u32,
  scale: f32, // 1 / calibration rows
  ratio: f32, // of the diagonal, added to it
  damp: f32, // added to the diagonal
}

@group(0) @binding(0) var<uniform> s: Scalars;
@group(0) @binding(1) var<storage, read> h: array<f32>; // sum of xᵀx
@group(0) @binding(2) var<storage, read> order: array<u32>; // old index of each new one
@group(0) @binding(3) var<storage, read_write> a: array<f32>; // permuted, scaled, damped

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y;
  let column = id.x;
  if (column >= s.k) {
    return;
  }
  let value = h[order[row] * s.k + order[column]] * s.scale;
  a[row * s.k + column] = value + select(0.0, s.ratio * value + s.damp, row == column);
}

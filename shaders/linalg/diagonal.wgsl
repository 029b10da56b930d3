// d[i] = H[i, i].
//
// h : (k, k) f32   d : (k) f32. One invocation copies one element.

struct Scalars {
  k: u32,
}

@group(0) @binding(0) var<uniform> s: Scalars;
@group(0) @binding(1) var<storage, read> h: array<f32>; // row-major
@group(0) @binding(2) var<storage, read_write> d: array<f32>; // diagonal

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < s.k) {
    d[id.x] = h[id.x * (s.k + 1u)];
  }
}

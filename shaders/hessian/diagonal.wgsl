// d[i] = H[i, i].
//
// h : (k, k) f32   d : (k) f32. One invocation copies one element.

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < s.k) {
    d[id.x] = h[id.x * (s.k + 1u)];
  }
}

// d[start+i] = h[i, start+i]: the diagonal of a panel of rows.
//
// h : (rows, start+rows) f32   d : (k) f32. One invocation copies one element.

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < s.rows) {
    d[s.start + id.x] = h[id.x * (s.start + s.rows) + s.start + id.x];
  }
}

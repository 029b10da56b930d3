// Copies the lower triangle of H into the upper one: H[i, j] = H[j, i] for j > i.
//
// h : (k, k) f32. One workgroup takes 256 elements of a row.

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y;
  let column = id.x;
  if (column < s.k && column > row) {
    h[row * s.k + column] = h[column * s.k + row];
  }
}

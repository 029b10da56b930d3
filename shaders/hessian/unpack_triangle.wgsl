// Writes a packed lower triangle into H: H[i, j] = p[i·(i + 1)/2 + j] for j ≤ i.
//
// p : (k·(k + 1)/2) f32, row after row   h : (k, k) f32, its upper triangle stays as it is.
// One workgroup takes 256 elements of a row.

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y;
  let column = id.x;
  if (column <= row && row < s.k) {
    h[row * s.k + column] = p[row * (row + 1u) / 2u + column];
  }
}

// Adds the lower triangle of H to a packed one: p[i·(i + 1)/2 + j] += H[i, j] for j ≤ i.
//
// h : (k, k) f32, its upper triangle is not read   p : (k·(k + 1)/2) f32, row after row.
// One workgroup takes 256 elements of a row.

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y;
  let column = id.x;
  if (column <= row && row < s.k) {
    p[row * (row + 1u) / 2u + column] += h[row * s.k + column];
  }
}

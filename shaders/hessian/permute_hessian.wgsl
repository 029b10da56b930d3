// A[i, j] = scale · H[order[i], order[j]], on the diagonal times 1 + ratio, plus damp.
//
// h : (k, k) f32, symmetric, sum of xᵀx over calibration rows; scale is 1 / their number
// order : (k) u32, old index of each new one   a : (k, k) f32. One workgroup takes 64 elements of a row.

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

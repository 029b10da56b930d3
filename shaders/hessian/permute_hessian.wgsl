// Elements of a symmetric H in another order, as far as they come from one panel of its rows:
//   A[i, j] = scale · H[order[first+i], order[j]], on A's diagonal (first+i = j) times 1 + ratio, plus damp
//
// h : (rows, start+rows) f32, rows start … of the lower triangle of H, the sum of xᵀx over calibration rows; scale is 1 /
// their number   order : (…) u32, old index of each new one   a : (…, columns) f32, of which those elements are written.
// One workgroup takes 64 elements of a row of A.

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y;
  let column = id.x;
  if (column >= s.columns) {
    return;
  }
  let i = order[s.first + row];
  let j = order[column];
  let lower = max(i, j);
  let end = s.start + s.rows;
  if (lower < s.start || lower >= end) {
    return;
  }
  let value = h[(lower - s.start) * end + min(i, j)] * s.scale;
  let on_diagonal = s.first + row == column;
  a[row * s.columns + column] = value + select(0.0, s.ratio * value + s.damp, on_diagonal);
}

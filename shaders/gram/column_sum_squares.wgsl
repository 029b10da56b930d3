// p += the sum of squares of each column of X.
//
// x : (m, k) f32   p : (k) f32   row-major
// A workgroup of 64 × 4 takes 64 columns; each invocation every fourth row.

var<workgroup> sums: array<f32, 256>;

@compute @workgroup_size(64, 4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) id: vec3u) {
  let column = group.x * 64u + id.x;
  var sum = 0.0;
  if (column < s.k) {
    for (var row = id.y; row < s.m; row += 4u) {
      let value = x[row * s.k + column];
      sum += value * value;
    }
  }
  sums[id.y * 64u + id.x] = sum;
  workgroupBarrier();
  if (id.y == 0u && column < s.k) {
    p[column] += sums[id.x] + sums[64u + id.x] + sums[128u + id.x] + sums[192u + id.x];
  }
}

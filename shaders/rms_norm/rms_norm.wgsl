// y = x / sqrt(mean(x²) + epsilon) · weight, over rows of k elements.
//
// x, y : (rows, k) f32   weight : (heads, k) f32, gain, of which row r takes number r % heads.
// One workgroup of 64 invocations takes one row.

const WIDTH = 64u;

var<workgroup> partial: array<f32, 64>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) counts: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = flat_workgroup(group, counts);
  let start = row * s.k;
  var sum = 0.0;
  if (row < s.rows) {
    for (var i = lane; i < s.k; i += WIDTH) {
      sum += x[start + i] * x[start + i];
    }
  }
  partial[lane] = sum;
  workgroupBarrier();
  var total = 0.0;
  for (var i = 0u; i < WIDTH; i++) {
    total += partial[i];
  }
  let scale = 1.0 / sqrt(total / f32(s.k) + s.epsilon);
  let head = row % s.heads * s.k;
  if (row < s.rows) {
    for (var i = lane; i < s.k; i += WIDTH) {
      y[start + i] = x[start + i] * scale * weight[head + i];
    }
  }
}

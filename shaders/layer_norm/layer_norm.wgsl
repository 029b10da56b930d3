// y = (x − mean) / sqrt(variance + epsilon) · weight + bias, over rows of k elements.
//
// x, y : (rows, k) f32   weight, bias : (heads, k) f32, row r takes number r % heads.
// The variance is summed in a second pass, from x − mean: mean(x²) − mean² would lose it where the mean is large.
// One workgroup of 64 invocations takes one row.

const WIDTH = 64u;

var<workgroup> partial: array<f32, 64>;

// The mean over a row of what each invocation has summed.
fn row_mean(lane: u32, sum: f32) -> f32 {
  workgroupBarrier();
  partial[lane] = sum;
  workgroupBarrier();
  var total = 0.0;
  for (var i = 0u; i < WIDTH; i++) {
    total += partial[i];
  }
  return total / f32(s.k);
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) counts: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = flat_workgroup(group, counts);
  let start = row * s.k;
  let count = select(0u, s.k, row < s.rows);
  var sum = 0.0;
  for (var i = lane; i < count; i += WIDTH) {
    sum += x[start + i];
  }
  let mean = row_mean(lane, sum);
  var squares = 0.0;
  for (var i = lane; i < count; i += WIDTH) {
    let difference = x[start + i] - mean;
    squares += difference * difference;
  }
  let scale = 1.0 / sqrt(row_mean(lane, squares) + s.epsilon);
  let head = row % s.heads * s.k;
  for (var i = lane; i < count; i += WIDTH) {
    y[start + i] = (x[start + i] - mean) * scale * weight[head + i] + bias[head + i];
  }
}

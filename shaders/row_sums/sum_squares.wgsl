// Partial sums of the squares of each row. Needs lib/flat.wgsl.
//
// x : (rows, count) f32   sums : (rows, parts) f32, parts = ceil(count / 4096)
// Workgroup row · parts + part of 32 invocations takes elements part · 4096 … + 4095 of a row; those after the last take
// part in the barrier only.

const PART = 4096u;
const WIDTH = 32u; // software adapters take long to switch between more at a barrier

var<workgroup> partial: array<f32, WIDTH>;

@compute @workgroup_size(WIDTH)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) counts: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = flat_workgroup(group, counts);
  let row = index / s.parts;
  let part = index % s.parts;
  let start = row * s.count;
  let end = select(0u, min((part + 1u) * PART, s.count), row < s.rows);
  var sum = 0.0;
  for (var i = part * PART + lane; i < end; i += WIDTH) {
    let value = x[start + i];
    sum += value * value;
  }
  partial[lane] = sum;
  workgroupBarrier();
  if (lane == 0u && row < s.rows) {
    var total = 0.0;
    for (var i = 0u; i < WIDTH; i++) {
      total += partial[i];
    }
    sums[index] = total;
  }
}

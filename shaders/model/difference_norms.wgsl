// Partial sums of (y − reference)² and reference², for ‖y − reference‖ / ‖reference‖ of each row. Needs lib/flat.wgsl.
//
// y, reference : (rows, count) f32   sums : (rows, parts, 2) f32
// Workgroup row · parts + part of 32 invocations takes elements part · 4096 … + 4095 of a row; those after the last take
// part in the barrier only.

struct Scalars {
  rows: u32,
  count: u32, // elements of a row
  parts: u32, // ceil(count / 4096)
}

@group(0) @binding(0) var<uniform> s: Scalars;
@group(0) @binding(1) var<storage, read> y: array<f32>; // under test
@group(0) @binding(2) var<storage, read> reference: array<f32>; // what it should be
@group(0) @binding(3) var<storage, read_write> sums: array<vec2f>; // difference, reference

const PART = 4096u;
const WIDTH = 32u; // software adapters take long to switch between more at a barrier

var<workgroup> partial: array<vec2f, WIDTH>;

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
  var sum = vec2f();
  for (var i = part * PART + lane; i < end; i += WIDTH) {
    let expected = reference[start + i];
    let error = y[start + i] - expected;
    sum += vec2f(error * error, expected * expected);
  }
  partial[lane] = sum;
  workgroupBarrier();
  if (lane == 0u && row < s.rows) {
    var total = vec2f();
    for (var i = 0u; i < WIDTH; i++) {
      total += partial[i];
    }
    sums[index] = total;
  }
}

// y[rows[i], :] += weights[i] · x[i, :], where rows[i] is a row of y; no row occurs twice. Needs lib/flat.wgsl.
//
// x : (count, width) f32   rows, weights : (count) u32, f32   y : (tokens, width) f32
// One invocation takes one element of x.

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) counts: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, counts) * 64u + lane;
  if (i >= s.count * s.width) {
    return;
  }
  let row = rows[i / s.width];
  if (row < s.tokens) {
    y[row * s.width + i % s.width] += weights[i / s.width] * x[i];
  }
}

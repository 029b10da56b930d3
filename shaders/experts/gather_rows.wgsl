// y[i, :] = x[rows[i], :], or zeros where rows[i] is no row of x. Needs lib/flat.wgsl.
//
// x : (tokens, width) f32   rows : (count) u32   y : (count, width) f32. One invocation takes one element.

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
  var value = 0.0;
  if (row < s.tokens) {
    value = x[row * s.width + i % s.width];
  }
  y[i] = value;
}

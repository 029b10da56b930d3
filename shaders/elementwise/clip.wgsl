// x = max(−limit, min(limit, x)), elementwise, in place.
//
// x : (count) f32. One invocation takes one element.

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) counts: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, counts) * 64u + lane;
  if (i < s.count) {
    x[i] = clamp(x[i], -s.limit, s.limit);
  }
}

// y = f(y), elementwise, in place. f: lib/activation.wgsl.
//
// y : (count) f32. One invocation takes one element.

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) counts: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, counts) * 64u + lane;
  if (i < s.count) {
    y[i] = activate(y[i]);
  }
}

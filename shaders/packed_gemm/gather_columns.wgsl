// y[i, r] = x[i, perm[r]]: a linear's input in the order of its packed rows.
//
// x, y : (m, k) f32   perm : (k) u32, input feature of each packed row. One invocation takes one element.

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) counts: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, counts) * 64u + lane;
  if (i < s.m * s.k) {
    let column = i % s.k;
    y[i] = x[i - column + perm[column]];
  }
}

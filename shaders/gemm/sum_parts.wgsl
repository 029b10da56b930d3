// y = Σ parts of x, in order.
//
// x : (parts, count) f32   y : (count) f32, count a multiple of 4. One invocation takes a vec4.

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) counts: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, counts) * 64u + lane;
  let count4 = s.count / 4u;
  if (i < count4) {
    var sum = x[i];
    for (var part = 1u; part < s.parts; part++) {
      sum += x[part * count4 + i];
    }
    y[i] = sum;
  }
}

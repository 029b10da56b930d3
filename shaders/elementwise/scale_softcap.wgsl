// x = softcap · tanh(scale · x / softcap), or scale · x where softcap is 0; elementwise, in place.
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
    var value = s.scale * x[i];
    if (s.softcap > 0.0) {
      value = softcap_f32(value);
    }
    x[i] = value;
  }
}

// Largest |a − b|, as the bits of an f32 (the order of positive floats is the order of their bits; a NaN is larger
// than every number).
//
// a, b : (count) f32   result : (1) u32, zero before. One invocation takes elements 256 apart.

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) counts: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let start = flat_workgroup(group, counts) * 4096u + lane;
  var highest = 0u;
  for (var i = start; i < min(start - lane + 4096u, s.count); i += 256u) {
    highest = max(highest, bitcast<u32>(a[i] - b[i]) & 0x7fffffffu);
  }
  atomicMax(&result[0], highest);
}

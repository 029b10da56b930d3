// Token embeddings: y[i, :] = source[place[i], :] as f32.
//
// source : (vectors, k) f32, f16 or bf16 (two to a word)   place : (m) u32, vector of each token   y : (m, k) f32
// One invocation takes one element.

#repeat T f32 f16 bf16
@compute @workgroup_size(64)
fn from_$T(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) counts: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, counts) * 64u + lane;
  if (i < s.m * s.k) {
    y[i] = load_$T(place[i / s.k] * s.k + i % s.k);
  }
}
#end

// Token embeddings: y[i, :] = source[place[i], :] as f32.
//
// source : (vectors, k) f32, f16 or bf16 (two to a word)   place : (m) u32   y : (m, k) f32
// One invocation takes one element.

struct Scalars {
  m: u32,
  k: u32,
}

@group(0) @binding(0) var<uniform> s: Scalars;
@group(0) @binding(1) var<storage, read> source: array<u32>; // bytes of the file
@group(0) @binding(2) var<storage, read> place: array<u32>; // vector of each token
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // embeddings

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

// y += x.
//
// x, y : (count) f32. One invocation takes one element.

struct Scalars {
  count: u32,
}

@group(0) @binding(0) var<uniform> s: Scalars;
@group(0) @binding(1) var<storage, read> x: array<f32>; // what is added
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // in place

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) counts: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, counts) * 64u + lane;
  if (i < s.count) {
    y[i] += x[i];
  }
}

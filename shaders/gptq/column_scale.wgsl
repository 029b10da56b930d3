// Base scale of each column in a group, and the group's unit:
//   base[j] = (max_r |current[r, j]| + 1e-12) / (maxq / 2),   unit = max_j base[j],   maxq = 2^bits − 1
//
// current : (candidates, 128, n) f32   jobs: see group_update   base : (candidates, n) f32
// unit : (all groups) u32, bits of an f32, zero before (the order of positive floats is the order of their bits,
// so an integer atomic finds the maximum, whatever the order of arrival)
// Workgroup (columns, job) of 64 invocations; one invocation takes one column.

struct Scalars {
  n: u32,
  job: u32, // first job of this step
}

@group(0) @binding(0) var<uniform> s: Scalars;
@group(0) @binding(1) var<storage, read> current: array<f32>; // rows of the group
@group(0) @binding(2) var<storage, read> jobs: array<u32>; // groups to do
@group(0) @binding(3) var<storage, read_write> base: array<f32>; // scale that just fits each column
@group(0) @binding(4) var<storage, read_write> unit: array<atomic<u32>>; // largest base of each group

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let job = (s.job + group.y) * 6u;
  let column = group.x * 64u + lane;
  if (column >= s.n) {
    return;
  }
  let candidate = jobs[job];
  let rows = jobs[job + 2u] - jobs[job + 1u];
  var highest = 0.0;
  for (var r = 0u; r < rows; r++) {
    highest = max(highest, abs(current[(candidate * 128u + r) * s.n + column]));
  }
  let value = (highest + 1e-12) / (0.5 * f32((1u << jobs[job + 3u]) - 1u));
  base[candidate * s.n + column] = value;
  atomicMax(&unit[jobs[job + 5u]], bitcast<u32>(value));
}

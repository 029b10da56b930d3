// Base scale of each column in a group, and the group's unit:
//   base[j] = (max_r |current[r, j]| + 1e-12) / (maxq / 2),   unit = max_j base[j],   maxq = 2^bits − 1
//
// current, jobs: see group_update   base : (candidates, n) f32
// unit : (all groups) u32, bits of an f32, zero before (the order of positive floats is the order of their bits,
// so an integer atomic finds the maximum, whatever the order of arrival)
// Workgroup (columns, job) of 64 invocations; one invocation takes one column.

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

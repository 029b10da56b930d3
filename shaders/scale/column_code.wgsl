// The scale code of each column of a group: the one with the smallest weighted error under the stored unit.
//
// current, u, jobs: see group_update   base : (candidates, n) f32, scale that just fits each column
// scaleMax : (all groups) u32, half bits of the stored unit   scaleCodes : (all groups, n) u32, c = 1…16
// Workgroup (columns, job) of 32 invocations; one invocation takes four columns.

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let job = (s.job + group.y) * 6u;
  let candidate = jobs[job];
  let start = jobs[job + 1u];
  let rows = jobs[job + 2u] - start;
  let diagonal_at = (candidate * s.k + start) * 256u + start - jobs[job + 4u];
  load_weights(diagonal_at, rows, lane, 32u);
  let n4 = s.n / 4u;
  let column = group.x * 32u + lane;
  if (column >= n4) {
    return;
  }
  let zero = f32(1u << (jobs[job + 3u] - 1u));
  let index = jobs[job + 5u];
  let unit = half_value(scaleMax[index]);
  let at = candidate * 128u * n4 + column;
  let fit = best_scale_codes(at, n4, rows, base[candidate * n4 + column], unit, zero);
  scaleCodes[index * n4 + column] = vec4u(fit.code);
}

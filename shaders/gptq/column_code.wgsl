// The scale code of each column of a group: the one with the smallest weighted error under the stored unit.
//
// current : (candidates, 128, n) f32   u : (k, k) f32   base : (candidates, n) f32
// scale_max : (all groups) u32, half bits   jobs: see group_update   scale_codes : (all groups, n) u32, c = 1…16
// Workgroup (columns, job) of 32 invocations; one invocation takes four columns.

struct Scalars {
  k: u32,
  n: u32,
  job: u32, // first job of this step
}

@group(0) @binding(0) var<uniform> s: Scalars;
@group(0) @binding(1) var<storage, read> current: array<vec4f>; // rows of the group, vec4 along n
@group(0) @binding(2) var<storage, read> u: array<f32>; // factor of the inverse Hessian
@group(0) @binding(3) var<storage, read> base: array<vec4f>; // fitting scale of each column
@group(0) @binding(4) var<storage, read> scale_max: array<u32>; // stored unit of each group
@group(0) @binding(5) var<storage, read> jobs: array<u32>; // groups to do
@group(0) @binding(6) var<storage, read_write> scale_codes: array<vec4u>; // scale code of each column, vec4 along n

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let job = (s.job + group.y) * 6u;
  let candidate = jobs[job];
  let start = jobs[job + 1u];
  let rows = jobs[job + 2u] - start;
  load_weights(start, rows, lane, 32u);
  let n4 = s.n / 4u;
  let column = group.x * 32u + lane;
  if (column >= n4) {
    return;
  }
  let zero = f32(1u << (jobs[job + 3u] - 1u));
  let index = jobs[job + 5u];
  let unit = half_value(scale_max[index]);
  let at = candidate * 128u * n4 + column;
  let fit = best_scale_codes(at, n4, rows, base[candidate * n4 + column], unit, zero);
  scale_codes[index * n4 + column] = vec4u(fit.code);
}

// Quantizes the rows of a group in order; each row first takes in the errors of the group's rows before it:
//   w = current[r, j] − Σ_{start≤i<r} U[i, r] · E[i, j]
//   code = clamp(round(w / scale) + zero, 0, maxq),   E[r, j] = (w − value(code)) / U[r, r]
//
// current : (candidates, 128, n) f32   u : (k, k) f32   scale_max : (all groups) u32, half bits
// scale_codes : (all groups, n) u32, c = 1…16   jobs: see group_update
// e : (candidates, k, n) f32   codes : (candidates, k/4, n) u32, four rows to a word
// Workgroup (columns, job) of 64 invocations; one invocation takes one column and reads back only what it wrote.

struct Scalars {
  k: u32,
  n: u32,
  job: u32, // first job of this step
}

@group(0) @binding(0) var<uniform> s: Scalars;
@group(0) @binding(1) var<storage, read> current: array<f32>; // rows of the group
@group(0) @binding(2) var<storage, read> u: array<f32>; // factor of the inverse Hessian
@group(0) @binding(3) var<storage, read> scale_max: array<u32>; // stored unit of each group
@group(0) @binding(4) var<storage, read> scale_codes: array<u32>; // scale code of each column
@group(0) @binding(5) var<storage, read> jobs: array<u32>; // groups to do
@group(0) @binding(6) var<storage, read_write> e: array<f32>; // scaled errors
@group(0) @binding(7) var<storage, read_write> codes: array<u32>; // codes, a byte each

// round(w / scale): a quotient may be a few ulps off, so one step either way is tried by its residual.
fn nearest(w: f32, scale: f32) -> f32 {
  let q = round(w / scale);
  let residual = w - q * scale;
  if (residual > 0.5 * scale) {
    return q + 1.0;
  }
  if (residual < -0.5 * scale) {
    return q - 1.0;
  }
  return q;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let job = (s.job + group.y) * 6u;
  let column = group.x * 64u + lane;
  if (column >= s.n) {
    return;
  }
  let candidate = jobs[job];
  let start = jobs[job + 1u];
  let end = jobs[job + 2u];
  let bits = jobs[job + 3u];
  let index = jobs[job + 5u];
  let zero = f32(1u << (bits - 1u));
  let scale = exl2_scale(scale_codes[index * s.n + column], half_value(scale_max[index]));
  let e_start = candidate * s.k * s.n + column;
  var word = 0u;
  for (var r = start; r < end; r++) {
    var w = current[(candidate * 128u + r - start) * s.n + column];
    for (var i = start; i < r; i++) {
      w -= u[i * s.k + r] * e[e_start + i * s.n];
    }
    var code = u32(zero);
    if (scale > 0.0) {
      code = u32(clamp(nearest(w, scale) + zero, 0.0, 2.0 * zero - 1.0));
    }
    e[e_start + r * s.n] = (w - exl2_value(code, bits, scale)) / u[r * s.k + r];
    word |= code << (r % 4u * 8u);
    if (r % 4u == 3u) {
      codes[(candidate * (s.k / 4u) + r / 4u) * s.n + column] = word;
      word = 0u;
    }
  }
}

// Quantizes the rows of a group in order; each row first takes in the errors of the group's rows before it:
//   w = current[r, j] − Σ_{start≤i<r} U[i, r] · E[i, j]
//   code = clamp(round(w / scale) + zero, 0, maxq),   E[r, j] = (w − value(code)) / U[r, r]
//
// current : (candidates, 128, n) f32   u : (k, k) f32   scale_max : (all groups) u32, half bits
// scale_codes : (all groups, n) u32, c = 1…16   jobs: see group_update
// e : (candidates, k, n) f32   codes : (candidates, k/4, n) u32, four rows to a word
// Workgroup (columns, job) of 64 invocations; one invocation takes one column and reads back only what it wrote. Eight
// rows at a time take in the errors before them, so that each is read once for the eight.

struct Scalars {
  k: u32,
  n: u32,
  job: u32, // first job of this step
}

@group(0) @binding(0) var<uniform> s: Scalars;
@group(0) @binding(1) var<storage, read> current: array<f32>; // rows of the group
@group(0) @binding(2) var<storage, read> u: array<vec4f>; // factor of the inverse Hessian, vec4 along its rows
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
  let n = s.n;
  let k4 = s.k / 4u;
  let column = group.x * 64u + lane;
  if (column >= n) {
    return;
  }
  let candidate = jobs[job];
  let start = jobs[job + 1u];
  let end = jobs[job + 2u];
  let bits = jobs[job + 3u];
  let index = jobs[job + 5u];
  let zero = f32(1u << (bits - 1u));
  let scale = exl2_scale(scale_codes[index * n + column], half_value(scale_max[index]));
  let e_start = (candidate * s.k + start) * n + column;
  var current_at = candidate * 128u * n + column;
  var code_at = (candidate * k4 + start / 4u) * n + column;
  var row_at = e_start;
  for (var r = start; r < end; r += 8u) {
    #repeat i 0 1 2 3 4 5 6 7
    var w$i = current[current_at];
    current_at += n;
    #end
    var e_at = e_start;
    var u_at = start * k4 + r / 4u;
    for (var i = start; i < r; i += 4u) {
      #repeat h 0 1 2 3
      {
        let before = e[e_at];
        let u0 = u[u_at];
        let u1 = u[u_at + 1u];
        #repeat j 0 1 2 3
        w$j -= u0[$j] * before;
        #end
        #repeat j 4 5 6 7
        w$j -= u1[$j - 4] * before;
        #end
        e_at += n;
        u_at += k4;
      }
      #end
    }
    var word = 0u;
    #repeat i 0 1 2 3 4 5 6 7
    {
      var code = u32(zero);
      if (scale > 0.0) {
        code = u32(clamp(nearest(w$i, scale) + zero, 0.0, 2.0 * zero - 1.0));
      }
      let error = (w$i - exl2_value(code, bits, scale)) / u[u_at + $iu / 4u][$i % 4];
      e[row_at] = error;
      row_at += n;
      word |= code << ($iu % 4u * 8u);
      #repeat j 1 2 3 4 5 6 7
      if ($ju > $iu) {
        w$j -= u[u_at + $ju / 4u][$j % 4] * error;
      }
      #end
      u_at += k4;
      if ($iu % 4u == 3u) {
        codes[code_at] = word;
        code_at += n;
        word = 0u;
      }
    }
    #end
  }
}

// Quantizes the rows of a group in order; each row first takes in the errors of the group's rows before it:
//   w = current[r, j] − Σ_{start≤i<r} U[i, r] · E[i, j]
//   code = clamp(round(w / scale) + zero, 0, maxq),   E[r, j] = (w − value(code)) / U[r, r]
//
// current, u, e, jobs: see group_update   scaleMax : (all groups) u32, half bits of the stored unit
// scaleCodes : (all groups, n) u32, c = 1…16   codes : (candidates, k/4, n) u32, four rows to a word, a byte each
// Workgroup (columns, job) of LANES invocations; one invocation takes COLUMNS columns, LANES apart, and reads back only
// what it wrote. n is a multiple of LANES · COLUMNS where COLUMNS is not 1. Eight rows at a time take in the errors before
// them, so that each is read once for the eight.

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

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let job = (s.job + group.y) * 6u;
  let n = s.n;
  let k4 = s.k / 4u;
  let column = group.x * LANES * COLUMNS + lane;
  if (column >= n) {
    return;
  }
  let candidate = jobs[job];
  let start = jobs[job + 1u];
  let end = jobs[job + 2u];
  let bits = jobs[job + 3u];
  let index = jobs[job + 5u];
  let zero = f32(1u << (bits - 1u));
  let unit = half_value(scaleMax[index]);
  #repeat c COLUMNS
  let scale$c = exl2_scale(scaleCodes[index * n + column + $cu * LANES], unit);
  #end
  let first = jobs[job + 4u]; // of the block
  let u_start = (candidate * s.k + start) * 64u + (start - first) / 4u;
  let e_start = (candidate * s.k + start) * n + column;
  var current_at = candidate * 128u * n + column;
  var code_at = (candidate * k4 + start / 4u) * n + column;
  var row_at = e_start;
  for (var r = start; r < end; r += 8u) {
    #repeat i 0 1 2 3 4 5 6 7
    #repeat c COLUMNS
    var w$i_$c = current[current_at + $cu * LANES];
    #end
    current_at += n;
    #end
    var e_at = e_start;
    var u_at = u_start + (r - start) / 4u;
    for (var i = start; i < r; i += 4u) {
      #repeat h 0 1 2 3
      {
        let u0 = u[u_at];
        let u1 = u[u_at + 1u];
        #repeat c COLUMNS
        {
          let before = e[e_at + $cu * LANES];
          #repeat j 0 1 2 3
          w$j_$c -= u0[$j] * before;
          #end
          #repeat j 4 5 6 7
          w$j_$c -= u1[$j - 4] * before;
          #end
        }
        #end
        e_at += n;
        u_at += 64u;
      }
      #end
    }
    #repeat c COLUMNS
    var word$c = 0u;
    #end
    #repeat i 0 1 2 3 4 5 6 7
    {
      #repeat c COLUMNS
      {
        var code = u32(zero);
        if (scale$c > 0.0) {
          code = u32(clamp(nearest(w$i_$c, scale$c) + zero, 0.0, 2.0 * zero - 1.0));
        }
        let error = (w$i_$c - exl2_value(code, bits, scale$c)) / u[u_at + $iu / 4u][$i % 4];
        e[row_at + $cu * LANES] = error;
        word$c |= code << ($iu % 4u * 8u);
        #repeat j 1 2 3 4 5 6 7
        if ($ju > $iu) {
          w$j_$c -= u[u_at + $ju / 4u][$j % 4] * error;
        }
        #end
      }
      #end
      row_at += n;
      u_at += 64u;
      if ($iu % 4u == 3u) {
        #repeat c COLUMNS
        codes[code_at + $cu * LANES] = word$c;
        word$c = 0u;
        #end
        code_at += n;
      }
    }
    #end
  }
}

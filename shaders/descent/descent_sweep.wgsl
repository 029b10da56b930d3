// Coordinate descent on tr(DᵀHD) over the codes of a block of rows, scales fixed. Row by row, each code takes the value
// that is best while all others stay:
//   g = (H·D)[r, j] with the block's rows before r as they are now,   code = clamp(round((q + g / H[r, r]) / scale) + zero)
//
// h : (end − start, k) f32, the block's rows of the Hessian, permuted and damped
// gradient : (rows, n) f32, H·D of the block; then the changes of D
// codes, scaleCodes, scaleMax, rows: see dequantize   d : (k, n) f32, W − Q in act-order   start … end − 1: the block
// Workgroup (columns) of 64 invocations; one invocation takes one column and reads back only what it wrote. Eight rows at
// a time take in the changes of those before them, so that each is read once for the eight. All groups and blocks hold
// multiples of 32 rows.

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let n = s.n;
  let k4 = s.k / 4u;
  let column = group.x * 64u + lane;
  if (column >= n) {
    return;
  }
  for (var first = s.start; first < s.end; first += 8u) {
    let row = rows[first];
    let bits = row % 16u;
    let zero = f32(1u << (bits - 1u));
    let scale = exl2_scale(scaleCodes[row / 16u * n + column], half_value(scaleMax[row / 16u]));
    var own_at = (first - s.start) * n + column;
    #repeat i 0 1 2 3 4 5 6 7
    var g$i = gradient[own_at + $iu * n];
    #end
    var before_at = column;
    var h_at = first / 4u; // H is symmetric
    for (var i = s.start; i < first; i += 4u) {
      #repeat c 0 1 2 3
      {
        let change = gradient[before_at];
        let h0 = h[h_at];
        let h1 = h[h_at + 1u];
        #repeat j 0 1 2 3
        g$j += h0[$j] * change;
        #end
        #repeat j 4 5 6 7
        g$j += h1[$j - 4] * change;
        #end
        before_at += n;
        h_at += k4;
      }
      #end
    }
    var d_at = first * n + column;
    var word_at = first / 4u * n + column;
    var word = 0u;
    #repeat i 0 1 2 3 4 5 6 7
    {
      if ($iu % 4u == 0u) {
        word = codes[word_at];
      }
      let code = (word >> ($iu % 4u * 8u)) & 0xffu;
      var best = code;
      if (scale > 0.0) {
        let wanted = f32(code) - zero + g$i / (h[h_at + $iu / 4u][$i % 4] * scale);
        best = u32(clamp(round(wanted) + zero, 0.0, 2.0 * zero - 1.0));
      }
      let change = exl2_value(code, bits, scale) - exl2_value(best, bits, scale);
      gradient[own_at] = change;
      own_at += n;
      d[d_at] += change;
      d_at += n;
      word = (word & ~(0xffu << ($iu % 4u * 8u))) | (best << ($iu % 4u * 8u));
      #repeat j 1 2 3 4 5 6 7
      if ($ju > $iu) {
        g$j += h[h_at + $ju / 4u][$j % 4] * change;
      }
      #end
      h_at += k4;
      if ($iu % 4u == 3u) {
        codes[word_at] = word;
        word_at += n;
      }
    }
    #end
  }
}

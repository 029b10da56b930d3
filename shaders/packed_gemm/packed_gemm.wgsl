// Y = X·W, or Y += X·W where `accumulate` is 1, W read as EXL2 packs it.
//
// x : (m, k) f32, columns already in act-order   chunks : (k/32) vec4u, see lib/packed.wgsl
// scales : (groups, n/8) u32 = q_scale   packed : (packed rows, n) u32 = q_weight   y : (m, n) f32
// k and n are multiples of 32. One invocation makes 16 rows of 4 columns and decodes each weight once for them; a
// workgroup of 8 × 8 invocations makes 128 rows of 32 columns. Weights are the halves that dequantizing gives; sums
// run over k in order, in f32. Rows past m are computed on a clamped index and not stored.

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let n4 = s.n / 4u;
  let k4 = s.k / 4u;
  let row = id.y * 16u;
  let column = id.x;
  if (row >= s.m || column >= n4) {
    return;
  }
  #repeat i 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
  let start$i = min(row + $iu, s.m - 1u) * k4;
  var sum$i = vec4f();
  #end
  for (var chunk = 0u; chunk < s.k / 32u; chunk++) {
    let info = chunks[chunk];
    let bits = info.y;
    let nibbles = scales[info.z * (s.n / 8u) + column / 2u] >> (column % 2u * 16u);
    let scale = four_scales(nibbles, info.w);
    var at = info.x * n4 + column;
    var word = packed[at];
    var used = 0u; // bits of `word`
    for (var step = 0u; step < 8u; step++) {
      #repeat i 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
      let x$i = x[start$i + chunk * 8u + step];
      #end
      #repeat j x y z w
      {
        var code = word >> vec4u(used);
        used += bits;
        if (used >= 32u) {
          // After the last chunk there is no next word, and nothing of it is used.
          used -= 32u;
          at += n4;
          word = packed[min(at, arrayLength(&packed) - 1u)];
          if (used > 0u) {
            code |= word << vec4u(bits - used);
          }
        }
        let w = four_values(code, bits, scale);
        #repeat i 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
        sum$i += x$i.$j * w;
        #end
      }
      #end
    }
  }
  #repeat i 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
  if (row + $iu < s.m) {
    let at = (row + $iu) * n4 + column;
    if (s.accumulate == 1u) {
      sum$i += y[at];
    }
    y[at] = sum$i;
  }
  #end
}

// As descent_sweep, for blocks of at most 128 rows: the changes of a block stay in workgroup memory, and eight
// invocations share what the rows before make of the next eight rows of a column. One of them then takes these in turn.
//
// Tensors as there. Workgroup (columns) of 16 columns × 8 invocations.

var<workgroup> changes: array<f32, 2048>; // (128, 16)
var<workgroup> sums: array<f32, 1024>; // (8 rows, 8 invocations, 16)
var<workgroup> gradients: array<f32, 128>; // (8, 16)

@compute @workgroup_size(16, 8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) id: vec3u) {
  let n = s.n;
  let k4 = s.k / 4u;
  let is_inside = group.x * 16u + id.x < n;
  let column = min(group.x * 16u + id.x, n - 1u);
  for (var first = s.start; first < s.end; first += 8u) {
    let before = first - s.start;
    #repeat j 0 1 2 3 4 5 6 7
    var sum$j = 0.0;
    #end
    for (var i = id.y * 4u; i < before; i += 32u) {
      var h_at = i * k4 + first / 4u; // H is symmetric
      #repeat c 0 1 2 3
      {
        let change = changes[(i + $cu) * 16u + id.x];
        let h0 = h[h_at];
        let h1 = h[h_at + 1u];
        #repeat j 0 1 2 3
        sum$j += h0[$j] * change;
        #end
        #repeat j 4 5 6 7
        sum$j += h1[$j - 4] * change;
        #end
        h_at += k4;
      }
      #end
    }
    #repeat j 0 1 2 3 4 5 6 7
    sums[($ju * 8u + id.y) * 16u + id.x] = sum$j;
    #end
    workgroupBarrier();
    var total = gradient[(before + id.y) * n + column];
    #repeat j 0 1 2 3 4 5 6 7
    total += sums[(id.y * 8u + $ju) * 16u + id.x];
    #end
    gradients[id.y * 16u + id.x] = total;
    workgroupBarrier();
    if (id.y == 0u) {
      let row = rows[first];
      let bits = row % 16u;
      let zero = f32(1u << (bits - 1u));
      let scale = exl2_scale(scaleCodes[row / 16u * n + column], half_value(scaleMax[row / 16u]));
      // Row 4·w + e of the eight, and the two parts of its row of H.
      #repeat w 0 1
      var word$w = codes[(first / 4u + $wu) * n + column];
      #repeat e 0 1 2 3
      var g$w$e = gradients[($wu * 4u + $eu) * 16u + id.x];
      let h0_$w$e = h[(before + $wu * 4u + $eu) * k4 + first / 4u];
      let h1_$w$e = h[(before + $wu * 4u + $eu) * k4 + first / 4u + 1u];
      #end
      #end
      #repeat w 0 1
      #repeat e 0 1 2 3
      {
        let code = (word$w >> ($eu * 8u)) & 0xffu;
        var best = code;
        if (scale > 0.0) {
          let wanted = f32(code) - zero + g$w$e / (h$w_$w$e[$e] * scale);
          best = u32(clamp(round(wanted) + zero, 0.0, 2.0 * zero - 1.0));
        }
        let change = exl2_value(code, bits, scale) - exl2_value(best, bits, scale);
        changes[(before + $wu * 4u + $eu) * 16u + id.x] = change;
        word$w = (word$w & ~(0xffu << ($eu * 8u))) | (best << ($eu * 8u));
        #repeat v 0 1
        #repeat f 0 1 2 3
        if ($vu * 4u + $fu > $wu * 4u + $eu) {
          g$v$f += h$v_$w$e[$f] * change;
        }
        #end
        #end
      }
      #end
      #end
      if (is_inside) {
        #repeat w 0 1
        codes[(first / 4u + $wu) * n + column] = word$w;
        #end
      }
    }
    workgroupBarrier();
    if (is_inside) {
      d[(first + id.y) * n + column] += changes[(before + id.y) * 16u + id.x];
    }
  }
}

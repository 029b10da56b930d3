// As gemm.wgsl, for adapters on the CPU: they have few registers, and memory is what takes their time.
//
// One invocation makes 16 × 16 elements of C, so that each element it reads is used 16 times; a workgroup of 4 × 4
// invocations makes 64 rows of 64 columns. Products of four indices are summed before they are added to an element: only
// its sum goes through memory. Sums run over k in order, in f32. What lies past m or n is computed on a clamped index
// and not stored.

@compute @workgroup_size(4, 4)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let n4 = s.n / 4u;
  let k4 = s.k / 4u;
  let row = id.y * 16u;
  let column = id.x * 4u;
  if (row >= s.m || column >= n4) {
    return;
  }
  #repeat j 0 1 2 3
  let column$j = min(column + $ju, n4 - 1u);
  #end
  #repeat i 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
  let start$i = min(row + $iu, s.m - 1u) * k4;
  #repeat j 0 1 2 3
  #repeat v x y z w
  var sum$i_$j$v = 0.0;
  #end
  #end
  #end
  var at = 0u;
  for (var step = 0u; step < k4; step++) {
    #repeat i 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
    let x$i = a[start$i + step];
    #end
    #repeat t 0 1 2 3
    #repeat j 0 1 2 3
    let b$t_$j = b[at + column$j];
    #end
    at += n4;
    #end
    #repeat j 0 1 2 3
    #repeat v x y z w
    let y$j$v = vec4f(b0_$j.$v, b1_$j.$v, b2_$j.$v, b3_$j.$v);
    #end
    #end
    #repeat i 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
    #repeat j 0 1 2 3
    #repeat v x y z w
    sum$i_$j$v += dot(y$j$v, x$i);
    #end
    #end
    #end
  }
  #repeat i 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
  if (row + $iu < s.m) {
    #repeat j 0 1 2 3
    if (column + $ju < n4) {
      let c_at = (row + $iu) * n4 + column + $ju;
      var sum = vec4f(sum$i_$jx, sum$i_$jy, sum$i_$jz, sum$i_$jw);
      if (s.accumulate == 1u) {
        sum += c[c_at];
      }
      c[c_at] = sum;
    }
    #end
  }
  #end
}

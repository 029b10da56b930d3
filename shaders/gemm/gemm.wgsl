// C = A·B, or C += A·B where `accumulate` is 1.
//
// a : (m, k) f32   b : (k, n) f32   c : (m, n) f32   all row-major, k and n multiples of 4.
// One invocation makes 8 × 16 elements of C, reading storage directly; a workgroup of 4 × 16 invocations makes 128 rows of
// 64 columns. Sums run over k in order, in f32. What lies past m or n is computed on a clamped index and not stored.

@compute @workgroup_size(4, 16)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let n4 = s.n / 4u;
  let k4 = s.k / 4u;
  let row = id.y * 8u;
  let column = id.x * 4u;
  if (row >= s.m || column >= n4) {
    return;
  }
  #repeat j 0 1 2 3
  let column$j = min(column + $ju, n4 - 1u);
  #end
  #repeat i 0 1 2 3 4 5 6 7
  let start$i = min(row + $iu, s.m - 1u) * k4;
  #repeat j 0 1 2 3
  var sum$i_$j = vec4f();
  #end
  #end
  var at = 0u;
  for (var step = 0u; step < k4; step++) {
    #repeat i 0 1 2 3 4 5 6 7
    let x$i = a[start$i + step];
    #end
    #repeat t x y z w
    {
      #repeat j 0 1 2 3
      let y$j = b[at + column$j];
      #end
      #repeat i 0 1 2 3 4 5 6 7
      #repeat j 0 1 2 3
      sum$i_$j += x$i.$t * y$j;
      #end
      #end
    }
    at += n4;
    #end
  }
  #repeat i 0 1 2 3 4 5 6 7
  if (row + $iu < s.m) {
    #repeat j 0 1 2 3
    if (column + $ju < n4) {
      let c_at = (row + $iu) * n4 + column + $ju;
      if (s.accumulate == 1u) {
        sum$i_$j += c[c_at];
      }
      c[c_at] = sum$i_$j;
    }
    #end
  }
  #end
}

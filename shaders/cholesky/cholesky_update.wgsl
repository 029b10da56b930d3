// Trailing update of a Cholesky factorization, in a panel of rows: A[i, j] −= Σ_t L[i, start+t] · L[j, start+t], t < 32, for
// its rows, and the columns, after the pivot's; lower triangle (every 8 × 8 block with an element on or below the diagonal).
//
// a : (rows, first+rows) f32, rows `first` … of the matrix   pivot : (k, 32) f32, the finished columns start … of L. All are
// multiples of 32.
// One invocation makes an 8 × 4 block; a workgroup of 8 × 8 invocations makes 64 rows of 32 columns.

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = max(s.start + 32u, s.first) + id.y * 8u;
  let column = s.start + 32u + id.x * 4u;
  if (row >= s.first + s.rows || column > row + 7u) {
    return;
  }
  let a4 = (s.first + s.rows) / 4u;
  #repeat i 0 1 2 3 4 5 6 7
  var sum$i = vec4f();
  #end
  for (var t = 0u; t < 8u; t++) {
    #repeat j 0 1 2 3
    let v$j = pivot[(column + $ju) * 8u + t];
    #end
    #repeat i 0 1 2 3 4 5 6 7
    {
      let u = pivot[(row + $iu) * 8u + t];
      sum$i += vec4f(dot(u, v0), dot(u, v1), dot(u, v2), dot(u, v3));
    }
    #end
  }
  #repeat i 0 1 2 3 4 5 6 7
  a[(row - s.first + $iu) * a4 + column / 4u] -= sum$i;
  #end
}

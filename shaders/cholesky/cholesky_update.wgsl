// Trailing update of a Cholesky factorization: A[i, j] −= Σ_t L[i, start+t] · L[j, start+t], t < 32, for the rows and
// columns after the panel, lower triangle (every 8 × 8 block with an element on or below the diagonal).
//
// a : (k, k) f32, its columns start … start+31 hold the finished panel. k is a multiple of 32.
// One invocation makes an 8 × 4 block; a workgroup of 8 × 8 invocations makes 64 rows of 32 columns.

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let first = s.start + 32u;
  let row = first + id.y * 8u;
  let column = first + id.x * 4u;
  if (row >= s.k || column > row + 7u) {
    return;
  }
  let k4 = s.k / 4u;
  let panel = s.start / 4u;
  #repeat i 0 1 2 3 4 5 6 7
  var sum$i = vec4f();
  #end
  for (var t = 0u; t < 8u; t++) {
    #repeat j 0 1 2 3
    let v$j = a[(column + $ju) * k4 + panel + t];
    #end
    #repeat i 0 1 2 3 4 5 6 7
    {
      let u = a[(row + $iu) * k4 + panel + t];
      sum$i += vec4f(dot(u, v0), dot(u, v1), dot(u, v2), dot(u, v3));
    }
    #end
  }
  #repeat i 0 1 2 3 4 5 6 7
  a[(row + $iu) * k4 + column / 4u] -= sum$i;
  #end
}

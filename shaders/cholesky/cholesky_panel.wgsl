// Column panel below a diagonal block: L[i, start…] = A[i, start…] · (L_dd⁻¹)ᵀ for the rows i below the block.
//
// a : (k, k) f32, L_dd⁻¹ stands in its diagonal block at (start, start).
// One invocation makes one row: it reads the whole before it writes, so none waits for another.

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let k4 = s.k / 4u;
  let panel = s.start / 4u;
  let row_at = (s.start + 32u + id.x) * k4 + panel;
  #repeat i 0 1 2 3 4 5 6 7
  let row$i = a[row_at + $iu];
  #end
  // The inverse has zeros right of its diagonal.
  var factor_at = s.start * k4 + panel;
  for (var column = 0u; column < 8u; column++) {
    #repeat c 0 1 2 3
    var sum$c = 0.0;
    #repeat i 0 1 2 3 4 5 6 7
    sum$c += dot(row$i, a[factor_at + $iu]);
    #end
    factor_at += k4;
    #end
    a[row_at + column] = vec4f(sum0, sum1, sum2, sum3);
  }
}

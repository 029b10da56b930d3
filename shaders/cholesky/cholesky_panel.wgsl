// The 32 columns below a diagonal block, in a panel of rows: L[i, start…] = A[i, start…] · (L_dd⁻¹)ᵀ for its rows i below
// the block.
//
// a : (rows, first+rows) f32, rows `first` … of the matrix   pivot : (k, 32) f32, L_dd⁻¹ in its rows start …; the columns of
// L are put into the rows below too.
// One invocation makes one row: it reads the whole before it writes, so none waits for another.

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = max(s.start + 32u, s.first) + id.x;
  let row_at = (row - s.first) * ((s.first + s.rows) / 4u) + s.start / 4u;
  #repeat i 0 1 2 3 4 5 6 7
  let row$i = a[row_at + $iu];
  #end
  // The inverse has zeros right of its diagonal.
  var factor_at = s.start * 8u;
  for (var column = 0u; column < 8u; column++) {
    #repeat c 0 1 2 3
    var sum$c = 0.0;
    #repeat i 0 1 2 3 4 5 6 7
    sum$c += dot(row$i, pivot[factor_at + $iu]);
    #end
    factor_at += 8u;
    #end
    let made = vec4f(sum0, sum1, sum2, sum3);
    a[row_at + column] = made;
    pivot[row * 8u + column] = made;
  }
}

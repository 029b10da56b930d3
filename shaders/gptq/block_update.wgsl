// Rows of a block of groups with the errors of all rows before the block fed into them:
//   pending[r − start, j] = W[perm[r], j] − Σ_{i<start} U[i, r] · E[i, j],   start ≤ r < end
//
// w : (k, n) f32, weight in input-feature order
// u : (candidates, k, 256) f32, of the upper factor of the inverse Hessian, U[i, r] at (candidate, i, r − start)
// perm : (k) u32, input feature of each row   e : (candidates, k, n) f32, errors (w − q)/U[r, r] of finished rows
// pending : (candidates, 256, n) f32, rows of the block
// jobs : (…, 6) u32, blocks, those of this step from `job` on: candidate, start, end and three words that are not used
// One invocation makes 8 rows of COLUMNS · 4 columns; workgroup (columns, rows, job) of 16 × 4 makes 32 rows. n is a
// multiple of 32.
// Looking back instead of pushing every group's errors forward writes each row once and leaves W as it is, so
// that all candidates of a linear share it.

@compute @workgroup_size(16, 4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) id: vec3u) {
  let job = (s.job + group.z) * 6u;
  let candidate = jobs[job];
  let start = jobs[job + 1u];
  let row = start + (group.y * 4u + id.y) * 8u;
  let n4 = s.n / 4u;
  let column = (group.x * 16u + id.x) * COLUMNS;
  if (row >= jobs[job + 2u] || column >= n4) {
    return;
  }
  #repeat h 0 1
  #repeat i 0 1 2 3
  let w_at$h_$i = perm[row + $hu * 4u + $iu] * n4 + column;
  #repeat j COLUMNS
  var sum$h_$i_$j = w[w_at$h_$i + $ju];
  #end
  #end
  #end
  var e_at = candidate * s.k * n4 + column;
  var u_at = candidate * s.k * 64u + (row - start) / 4u;
  for (var i = 0u; i < start; i++) {
    #repeat j COLUMNS
    let e$j = e[e_at + $ju];
    #end
    #repeat h 0 1
    let u$h = u[u_at + $hu];
    #repeat i 0 1 2 3
    #repeat j COLUMNS
    sum$h_$i_$j -= u$h[$i] * e$j;
    #end
    #end
    #end
    e_at += n4;
    u_at += 64u;
  }
  var at = (candidate * 256u + row - start) * n4 + column;
  #repeat h 0 1
  #repeat i 0 1 2 3
  #repeat j COLUMNS
  pending[at + $ju] = sum$h_$i_$j;
  #end
  at += n4;
  #end
  #end
}

// Rows of a group with the errors of the earlier rows of its block fed into them:
//   current[r − start, j] = pending[r − first, j] − Σ_{first≤i<start} U[i, r] · E[i, j],   start ≤ r < end
//
// pending : (candidates, 256, n) f32, rows of the blocks
// u : (candidates, k, 256) f32, of the upper factor of the inverse Hessian, U[i, r] at (candidate, i, r − first)
// e : (candidates, k, n) f32, errors (w − q)/U[r, r] of finished rows
// current : (candidates, 128, n) f32, rows of the groups
// jobs : (…, 6) u32, groups, those of this step from `job` on: candidate, start, end, bits, first row of the block, index
// among all groups
// One invocation makes 8 rows of COLUMNS · 4 columns; workgroup (columns, rows, job) of 16 × 4 makes 32 rows. n is a
// multiple of 32.

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
  let first = jobs[job + 4u];
  let pending_at = (candidate * 256u + row - first) * n4 + column;
  #repeat h 0 1
  #repeat i 0 1 2 3
  #repeat j COLUMNS
  var sum$h_$i_$j = pending[pending_at + ($hu * 4u + $iu) * n4 + $ju];
  #end
  #end
  #end
  var e_at = (candidate * s.k + first) * n4 + column;
  var u_at = (candidate * s.k + first) * 64u + (row - first) / 4u;
  for (var i = first; i < start; i++) {
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
  var at = (candidate * 128u + row - start) * n4 + column;
  #repeat h 0 1
  #repeat i 0 1 2 3
  #repeat j COLUMNS
  current[at + $ju] = sum$h_$i_$j;
  #end
  at += n4;
  #end
  #end
}

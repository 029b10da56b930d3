// The columns of U that the blocks of some candidates read, as far as they come from one panel of rows of X = J·U·J, J being
// the reversal: u[candidate, i, r − start] = U[i, r] = X[k−1−i, k−1−r] for i < end, start ≤ r < end.
//
// x : (rows, first+rows) f32, rows `first` … of the lower triangular X, zero above the diagonal within its diagonal blocks of
// 32; what is right of them is not read, and counts as zero
// u : (candidates, k, 256) f32, columns of each candidate's block
// jobs : (…, 6) u32, blocks, those of this step from `job` on: candidate, start, end and three words that are not used
// All are multiples of 32. Workgroup (1, row of x, job) of 64 invocations takes the 256 columns.

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) part: u32) {
  let job = (s.job + group.z) * 6u;
  let candidate = jobs[job];
  let start = jobs[job + 1u];
  let end = jobs[job + 2u];
  let row = s.k - 1u - (s.first + group.y);
  let column = start + part * 4u;
  if (row >= end || column >= end) {
    return;
  }
  var value = vec4f();
  if (column / 32u >= row / 32u) {
    value = x[group.y * ((s.first + s.rows) / 4u) + (s.k - column) / 4u - 1u].wzyx;
  }
  u[(candidate * s.k + row) * 64u + part] = value;
}

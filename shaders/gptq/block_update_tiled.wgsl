// block_update.wgsl for adapters with fast workgroup memory. Needs lib/tile.wgsl.
//
// Tensors as there; starts and ends are multiples of 8.
// A workgroup of 256 invocations makes 128 rows of 128 columns. What lies past the block or n is not stored.

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  // Read-only storage at a workgroup's own index: the same for all its invocations.
  let job = (s.job + group.z) * 6u;
  let candidate = jobs[job];
  let start = jobs[job + 1u];
  let end = jobs[job + 2u];
  let n4 = s.n / 4u;
  let row = lane / 16u;
  let column = lane % 16u;
  // What this invocation loads of each pair of tiles: a vec4 of a row of U and of a row of E.
  let step_row = lane / 32u;
  let u_at = (candidate * s.k + step_row) * 64u + group.y * 32u + lane % 32u;
  let e_at = (candidate * s.k + step_row) * n4 + min(group.x * 32u + lane % 32u, n4 - 1u);
  var next_u = u[u_at];
  var next_e = e[e_at];
  for (var step = 0u; step < start; step += STEPS) {
    let turn = step / STEPS % 2u;
    tile_a[turn * STEPS + lane / 32u][lane / 16u % 2u][lane % 16u] = next_u;
    tile_b[turn * STEPS + lane / 32u][lane / 16u % 2u][lane % 16u] = next_e;
    workgroupBarrier();
    if (step + STEPS < start) {
      next_u = u[u_at + (step + STEPS) * 64u];
      next_e = e[e_at + (step + STEPS) * n4];
    }
    multiply_tiles(turn, row, column);
  }
  let left = group.x * 32u + column;
  let first = group.y * 128u + row * 4u;
  #repeat i 0 1 2 3 4 5 6 7
  {
    let block_row = first + $iu % 4u + $iu / 4u * 64u;
    if (start + block_row < end) {
      let w_at = perm[start + block_row] * n4 + left;
      let at = (candidate * 256u + block_row) * n4 + left;
      if (left < n4) {
        pending[at] = w[w_at] - left$i;
      }
      if (left + 16u < n4) {
        pending[at + 16u] = w[w_at + 16u] - right$i;
      }
    }
  }
  #end
}

// A workgroup's tile of A·B, 128 × 128, summed over the indices from … to − 1 of k (multiples of 8): adds it to lib/tile's
// sums. Of its user it takes the scalars m, n and k, and the factors a and b.

fn add_product(group: vec2u, lane: u32, from_index: u32, to_index: u32) {
  let n4 = s.n / 4u;
  let k4 = s.k / 4u;
  let row = lane / 16u;
  let column = lane % 16u;
  // What this invocation loads of each pair of tiles: four summed indices of one row of A, one vec4 of B.
  let a_row = group.y * 128u + lane / 2u;
  let a_at = min(a_row, s.m - 1u) * k4 + from_index / 4u + lane % 2u;
  let a_step = lane % 2u * 4u;
  let a_part = lane / 2u % 4u;
  let b_column = group.x * 32u + lane % 32u;
  let b_at = (from_index + lane / 32u) * n4 + min(b_column, n4 - 1u);
  var next_a = a[a_at];
  var next_b = b[b_at];
  for (var step = 0u; from_index + step < to_index; step += STEPS) {
    let turn = step / STEPS % 2u;
    #repeat i 0 1 2 3
    tile_a[turn * STEPS + a_step + $iu][lane / 128u][lane / 8u % 16u][a_part] = next_a[$i];
    #end
    tile_b[turn * STEPS + lane / 32u][lane / 16u % 2u][lane % 16u] = next_b;
    workgroupBarrier();
    if (from_index + step + STEPS < to_index) {
      next_a = a[a_at + (step + STEPS) / 4u];
      next_b = b[b_at + (step + STEPS) * n4];
    }
    multiply_tiles(turn, row, column);
  }
}

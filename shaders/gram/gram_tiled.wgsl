// gram.wgsl for adapters with fast workgroup memory. Needs lib/tile.wgsl.
//
// Tensors as there; k is a multiple of 4, start one of 128.
// A workgroup of 256 invocations makes a tile of 128 × 128; tiles above the diagonal are left out, those on it are
// written whole.

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  // Number of the tile in the triangle, row by row: tile row r starts at r(r+1)/2.
  let tile_start = s.start / 128u;
  let tile = group.x + tile_start * (tile_start + 1u) / 2u;
  var tile_row = u32((sqrt(8.0 * f32(tile) + 1.0) - 1.0) * 0.5);
  while ((tile_row + 1u) * (tile_row + 2u) / 2u <= tile) {
    tile_row++;
  }
  while (tile_row * (tile_row + 1u) / 2u > tile) {
    tile_row--;
  }
  let tile_column = tile - tile_row * (tile_row + 1u) / 2u;
  let k4 = s.k / 4u;
  let row = lane / 16u;
  let column = lane % 16u;
  let token = lane / 32u;
  let a_at = min(tile_row * 32u + lane % 32u, k4 - 1u);
  let b_at = min(tile_column * 32u + lane % 32u, k4 - 1u);
  var next_a = vec4f();
  var next_b = vec4f();
  if (token < s.m) {
    next_a = x[token * k4 + a_at];
    next_b = x[token * k4 + b_at];
  }
  for (var step = 0u; step < s.m; step += STEPS) {
    let turn = step / STEPS % 2u;
    tile_a[turn * STEPS + lane / 32u][lane / 16u % 2u][lane % 16u] = next_a;
    tile_b[turn * STEPS + lane / 32u][lane / 16u % 2u][lane % 16u] = next_b;
    workgroupBarrier();
    let next = step + STEPS + token;
    next_a = vec4f();
    next_b = vec4f();
    if (next < s.m) {
      next_a = x[next * k4 + a_at];
      next_b = x[next * k4 + b_at];
    }
    multiply_tiles(turn, row, column);
  }
  let left = tile_column * 32u + column;
  let first = tile_row * 128u + row * 4u;
  let h4 = (s.start + s.rows) / 4u;
  #repeat i 0 1 2 3 4 5 6 7
  {
    let h_row = first + $iu % 4u + $iu / 4u * 64u;
    if (h_row < s.start + s.rows) {
      let at = (h_row - s.start) * h4 + left;
      if (left < h4) {
        h[at] += left$i;
      }
      if (left + 16u < h4) {
        h[at + 16u] += right$i;
      }
    }
  }
  #end
}

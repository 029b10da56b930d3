// Rows start … start+rows−1 of H += XᵀX, lower triangle, on the GPU's matrix units: X is rounded to half precision, sums are f32.
//
// x : (m, k) f32   h : (rows, start+rows) f32   row-major; m, k and rows multiples of 16, start one of 128; values within
// ±65504.
// A workgroup of 8 subgroups of 32 makes a tile of 128 × 128; a subgroup 64 × 32 of it, in 4 × 2 matrices of 16 × 16.
// Tiles above the diagonal are left out, those on it are written whole. Sums begin at zero and are then added to H: matrix
// units may cut off what a small product adds to a large sum.

// Rows are longer than the tile, so that the 16 rows of a matrix lie in different memory banks.
const ROW4 = 34u;

var<workgroup> tile_a: array<vec4h, 544>; // (16, 136): token, row of H
var<workgroup> tile_b: array<vec4h, 544>; // (16, 136): token, column of H

var<workgroup> sums: array<f32, 2048>; // a matrix of each subgroup

alias Left = subgroup_matrix_left<f16, 16, 16>;
alias Right = subgroup_matrix_right<f16, 16, 16>;
alias Sum = subgroup_matrix_result<f32, 16, 16>;

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
  let end = s.start + s.rows;
  let row = lane / 128u * 64u; // of this subgroup's part of the tile
  let column = lane / 32u % 4u * 32u;
  // What this invocation loads of each pair of tiles: two vec4 of each.
  #repeat t 0 1
  let token$t = lane / 32u + $tu * 8u;
  let a_at$t = token$t * k4 + min(tile_row * 32u + lane % 32u, k4 - 1u);
  let b_at$t = token$t * k4 + min(tile_column * 32u + lane % 32u, k4 - 1u);
  let to$t = token$t * ROW4 + lane % 32u;
  var next_a$t = x[a_at$t];
  var next_b$t = x[b_at$t];
  #end
  #repeat i 0 1 2 3
  #repeat j 0 1
  let row$i$j = tile_row * 128u + row + $iu * 16u;
  let column$i$j = tile_column * 128u + column + $ju * 16u;
  let inside$i$j = row$i$j < end && column$i$j < end;
  var sum$i$j = Sum();
  #end
  #end
  for (var step = 0u; step < s.m; step += 16u) {
    #repeat t 0 1
    tile_a[to$t] = vec4h(next_a$t);
    tile_b[to$t] = vec4h(next_b$t);
    #end
    workgroupBarrier();
    if (step + 16u < s.m) {
      #repeat t 0 1
      next_a$t = x[a_at$t + (step + 16u) * k4];
      next_b$t = x[b_at$t + (step + 16u) * k4];
      #end
    }
    #repeat i 0 1 2 3
    let left$i = subgroupMatrixLoad<Left, col_major>(&tile_a, row / 4u + $iu * 4u, ROW4);
    #end
    #repeat j 0 1
    let right$j = subgroupMatrixLoad<Right, row_major>(&tile_b, column / 4u + $ju * 4u, ROW4);
    #end
    #repeat i 0 1 2 3
    #repeat j 0 1
    sum$i$j = subgroupMatrixMultiplyAccumulate(left$i, right$j, sum$i$j);
    #end
    #end
    workgroupBarrier();
  }
  #repeat i 0 1 2 3
  #repeat j 0 1
  subgroupMatrixStore<row_major>(&sums, lane / 32u * 256u, sum$i$j, 16u);
  workgroupBarrier();
  if (inside$i$j) {
    for (var at = lane % 32u; at < 256u; at += 32u) {
      h[(row$i$j - s.start + at / 16u) * end + column$i$j + at % 16u] += sums[lane / 32u * 256u + at];
    }
  }
  workgroupBarrier();
  #end
  #end
}

// C = A·B, or C += A·B, on the GPU's matrix units: the factors are rounded to half precision, sums are f32.
//
// a : (m, k) f32   b : (k, n) f32   c : (m, n) f32   all row-major; m, n and k multiples of 16; values within ±65504.
// A workgroup of 8 subgroups of 32 makes a tile of 128 × 128; a subgroup 64 × 32 of it, in 4 × 2 matrices of 16 × 16.

// Rows are longer than the tile, so that the 16 rows of a matrix lie in different memory banks.
const A_ROW4 = 6u;
const B_ROW4 = 34u;

var<workgroup> tile_a: array<vec4h, 768>; // (128, 24): row of C, summed index
var<workgroup> tile_b: array<vec4h, 544>; // (16, 136): summed index, column of C

alias Left = subgroup_matrix_left<f16, 16, 16>;
alias Right = subgroup_matrix_right<f16, 16, 16>;
alias Sum = subgroup_matrix_result<f32, 16, 16>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let n4 = s.n / 4u;
  let k4 = s.k / 4u;
  let row = lane / 128u * 64u; // of this subgroup's part of the tile
  let column = lane / 32u % 4u * 32u;
  // What this invocation loads of each pair of tiles: two vec4 of each.
  #repeat h 0 1
  let a_at$h = min(group.y * 128u + lane / 4u + $hu * 64u, s.m - 1u) * k4 + lane % 4u;
  let a_to$h = (lane / 4u + $hu * 64u) * A_ROW4 + lane % 4u;
  let b_at$h = (lane / 32u + $hu * 8u) * n4 + min(group.x * 32u + lane % 32u, n4 - 1u);
  let b_to$h = (lane / 32u + $hu * 8u) * B_ROW4 + lane % 32u;
  var next_a$h = a[a_at$h];
  var next_b$h = b[b_at$h];
  #end
  #repeat i 0 1 2 3
  #repeat j 0 1
  let row$i$j = group.y * 128u + row + $iu * 16u;
  let column$i$j = group.x * 128u + column + $ju * 16u;
  let inside$i$j = row$i$j < s.m && column$i$j < s.n;
  var sum$i$j = Sum();
  if (s.accumulate == 1u && inside$i$j) {
    sum$i$j = subgroupMatrixLoad<Sum, row_major>(&c, row$i$j * s.n + column$i$j, s.n);
  }
  #end
  #end
  for (var step = 0u; step < s.k; step += 16u) {
    #repeat h 0 1
    tile_a[a_to$h] = vec4h(next_a$h);
    tile_b[b_to$h] = vec4h(next_b$h);
    #end
    workgroupBarrier();
    if (step + 16u < s.k) {
      #repeat h 0 1
      next_a$h = a[a_at$h + step / 4u + 4u];
      next_b$h = b[b_at$h + (step + 16u) * n4];
      #end
    }
    #repeat i 0 1 2 3
    let left$i = subgroupMatrixLoad<Left, row_major>(&tile_a, (row + $iu * 16u) * A_ROW4, A_ROW4);
    #end
    #repeat j 0 1
    let right$j = subgroupMatrixLoad<Right, row_major>(&tile_b, column / 4u + $ju * 4u, B_ROW4);
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
  if (inside$i$j) {
    subgroupMatrixStore<row_major>(&c, row$i$j * s.n + column$i$j, sum$i$j, s.n);
  }
  #end
  #end
}

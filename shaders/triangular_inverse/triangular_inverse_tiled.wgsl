// As triangular_inverse.wgsl, which tells what it is, for adapters with fast workgroup memory. Needs lib/tile.wgsl and
// lib/inverse_first_half or lib/inverse_second_half.
//
// Tensors and scalars as there; panels begin at multiples of 128.
// A workgroup of 256 invocations makes a tile of 128 × 128 of pair group.z. Tiles on the diagonal of A⁻¹ or C⁻¹ are
// read whole: what stands right of the diagonal blocks of 32 counts as zero.

// Left factor, B or C⁻¹: left[at], summed indices from t on, t and row within A or C.
fn load_a(at: u32, row: u32, t: u32) -> vec4f {
  return select(left[at], vec4f(), SECOND_HALF && t / 32u > row / 32u);
}

// Right factor, A⁻¹ or T: right[at], summed index t, four columns from this one of A on.
fn load_b(at: u32, t: u32, column: u32) -> vec4f {
  return select(right[at], vec4f(), !SECOND_HALF && t / 32u < column / 32u);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let a_start = s.aStart + group.z * 2u * s.side;
  let c_start = a_start + s.side;
  let rows = min(s.side, s.end - c_start);
  let first_row = s.start + group.y * 128u; // of C
  let first_column = group.x * 128u; // of A
  if (first_row >= rows) {
    return;
  }
  // Summed index within A, or C: from the first of these columns down, or to the last of these rows.
  let summed = select(a_start, c_start, SECOND_HALF);
  let all_begin = select(first_column, 0u, SECOND_HALF);
  let all_end = select(s.side, min(first_row + 128u, rows), SECOND_HALF);
  let begin = max(summed + all_begin, s.rightFirst) - summed;
  let end = min(summed + all_end, s.rightEnd) - summed;
  if (summed + all_end <= s.rightFirst || summed + all_begin >= s.rightEnd) {
    return;
  }
  let end4 = s.end / 4u;
  // What this invocation loads of each pair of tiles: four summed indices of a row of C, four columns at one of them.
  let a_row = min(first_row + lane / 2u, rows - 1u);
  let a_step = lane % 2u * 4u;
  let a_at = (c_start + a_row - s.first) * end4 + (summed + a_step) / 4u;
  let a_part = lane / 2u % 4u;
  let b_column = min(first_column + lane % 32u * 4u, s.side - 4u);
  let b_step = lane / 32u;
  let right_stride = right_at(s.rightFirst + 1u, 0u, 0u);
  let b_at = right_at(summed + begin + b_step, a_start, b_column);
  let target_stride = sum_at(s.first + 1u, 0u, 0u);
  let column = first_column + lane % 16u * 4u;
  if (begin > all_begin) {
    #repeat i 0 1 2 3 4 5 6 7
    {
      let row = min(first_row + lane / 16u * 4u + $iu % 4u + $iu / 4u * 64u, rows - 1u);
      let at = sum_at(c_start + row, a_start, 0u);
      left$i = load_sum(at + min(column, s.side - 4u) / 4u);
      right$i = load_sum(at + min(column + 64u, s.side - 4u) / 4u);
    }
    #end
  }
  var next_a = load_a(a_at + begin / 4u, a_row, begin + a_step);
  var next_b = load_b(b_at, begin + b_step, b_column);
  for (var t = begin; t < end; t += STEPS) {
    let turn = t / STEPS % 2u;
    #repeat i 0 1 2 3
    tile_a[turn * STEPS + a_step + $iu][lane / 128u][lane / 8u % 16u][a_part] = next_a[$i];
    #end
    tile_b[turn * STEPS + lane / 32u][lane / 16u % 2u][lane % 16u] = next_b;
    workgroupBarrier();
    let next = t + STEPS;
    if (next < end) {
      next_a = load_a(a_at + next / 4u, a_row, next + a_step);
      next_b = load_b(b_at + (next - begin) * right_stride, next + b_step, b_column);
    }
    multiply_tiles(turn, lane / 16u, lane % 16u);
  }
  #repeat i 0 1 2 3 4 5 6 7
  {
    let row = first_row + lane / 16u * 4u + $iu % 4u + $iu / 4u * 64u;
    if (row < rows) {
      let at = sum_at(c_start + row, a_start, 0u);
      if (column < s.side) {
        store_sum(at + column / 4u, left$i);
      }
      if (column + 64u < s.side) {
        store_sum(at + column / 4u + 16u, right$i);
      }
    }
  }
  #end
}

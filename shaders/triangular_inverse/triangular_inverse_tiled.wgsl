// One half of a step of the inverse of a lower triangular matrix: triangular_inverse.wgsl, which tells what it is, for
// adapters with fast workgroup memory. Needs lib/tile.wgsl.
//
// Tensors and scalars as there.
// A workgroup of 256 invocations makes a tile of 128 × 128 of pair group.z. Tiles on the diagonal of A⁻¹ or C⁻¹ are
// read whole: what stands right of the diagonal blocks of 32 counts as zero.

// Left factor, B or C⁻¹: l[at], four summed indices from t on in this row of C.
fn load_a(at: u32, row: u32, t: u32) -> vec4f {
  return select(l[at], vec4f(), SECOND_HALF && t / 32u > row / 32u);
}

// Right factor, A⁻¹ or T: [at], summed index t, four columns from this one of A on.
fn load_b(at: u32, t: u32, column: u32) -> vec4f {
  if (SECOND_HALF) {
    return u[at];
  }
  return select(l[at], vec4f(), t / 32u < column / 32u);
}

fn store(at: u32, value: vec4f) {
  if (SECOND_HALF) {
    l[at] = -value;
  } else {
    u[at] = value;
  }
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let k4 = s.k / 4u;
  let a_start = group.z * 2u * s.side;
  let c_start = a_start + s.side;
  let rows = min(s.side, s.k - c_start);
  let first_row = s.start + group.y * 128u; // of C
  let first_column = group.x * 128u; // of A
  if (first_row >= rows) {
    return;
  }
  // Summed index within A, or C: from the first of these columns down, or to the last of these rows.
  let summed = select(a_start, c_start, SECOND_HALF);
  let begin = select(first_column, 0u, SECOND_HALF);
  let end = select(s.side, min(first_row + 128u, rows), SECOND_HALF);
  // What this invocation loads of each pair of tiles: four summed indices of a row of C, four columns at one of them.
  let a_row = min(first_row + lane / 2u, rows - 1u);
  let a_step = lane % 2u * 4u;
  let a_at = (c_start + a_row) * k4 + (summed + a_step) / 4u;
  let a_part = lane / 2u % 4u;
  let b_column = min(first_column + lane % 32u * 4u, s.side - 4u);
  let b_step = lane / 32u;
  let b_at = (summed + b_step) * k4 + (a_start + b_column) / 4u;
  var next_a = load_a(a_at + begin / 4u, a_row, begin + a_step);
  var next_b = load_b(b_at + begin * k4, begin + b_step, b_column);
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
      next_b = load_b(b_at + next * k4, next + b_step, b_column);
    }
    multiply_tiles(turn, lane / 16u, lane % 16u);
  }
  let column = first_column + lane % 16u * 4u;
  #repeat i 0 1 2 3 4 5 6 7
  {
    let row = first_row + lane / 16u * 4u + $iu % 4u + $iu / 4u * 64u;
    let at = (c_start + row) * k4 + (a_start + column) / 4u;
    if (row < rows) {
      if (column < s.side) {
        store(at, left$i);
      }
      if (column + 64u < s.side) {
        store(at + 16u, right$i);
      }
    }
  }
  #end
}

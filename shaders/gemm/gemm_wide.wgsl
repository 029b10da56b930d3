// C = A·B, or C += A·B: gemm_tiled.wgsl with tiles of 256 × 128, for GPUs with many registers and at least 24 KiB of
// workgroup memory.
//
// a : (m, k) f32   b : (k, n) f32   c : (m, n) f32   all row-major, n a multiple of 4, k of 8.
// A workgroup of 256 invocations makes a tile of 256 × 128, each 16 × 8 elements of it, 8 steps of the summed index at a
// time. Two sets of tiles take turns, so that one is filled while the other is read, with one barrier a step.
// Invocation (row, column) = (lane / 16, lane % 16) owns rows 64·i + row·4 … +3 and columns 64·j + column·4 … +3.

const STEPS = 8u;

// Two tiles of 8 summed indices. Nested, so that an index in the inner loop is checked once for all of them.
var<workgroup> tile_a: array<array<array<vec4f, 16>, 4>, 16>; // along the rows of C
var<workgroup> tile_b: array<array<array<vec4f, 16>, 2>, 16>; // along its columns

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let n4 = s.n / 4u;
  let k4 = s.k / 4u;
  let row = lane / 16u;
  let column = lane % 16u;
  #repeat i 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
  var left$i = vec4f();
  var right$i = vec4f();
  #end
  // What this invocation loads of each pair of tiles: four summed indices of two rows of A, one vec4 of B.
  let a_step = lane % 2u * 4u;
  #repeat h 0 1
  let a_row$h = lane / 2u + $hu * 128u;
  let a_at$h = min(group.y * 256u + a_row$h, s.m - 1u) * k4 + lane % 2u;
  var next_a$h = a[a_at$h];
  #end
  let b_at = lane / 32u * n4 + min(group.x * 32u + lane % 32u, n4 - 1u);
  var next_b = b[b_at];
  for (var step = 0u; step < s.k; step += STEPS) {
    let first = step / STEPS % 2u * STEPS;
    #repeat h 0 1
    #repeat i 0 1 2 3
    tile_a[first + a_step + $iu][a_row$h / 64u][a_row$h / 4u % 16u][a_row$h % 4u] = next_a$h[$i];
    #end
    #end
    tile_b[first + lane / 32u][lane / 16u % 2u][lane % 16u] = next_b;
    workgroupBarrier();
    if (step + STEPS < s.k) {
      #repeat h 0 1
      next_a$h = a[a_at$h + (step + STEPS) / 4u];
      #end
      next_b = b[b_at + (step + STEPS) * n4];
    }
    #repeat t 0 1 2 3 4 5 6 7
    {
      let b0 = tile_b[first + $tu][0][column];
      let b1 = tile_b[first + $tu][1][column];
      #repeat q 0 1 2 3
      let a$q = tile_a[first + $tu][$q][row];
      #end
      #repeat i 0 1 2 3
      left$i += a0[$i] * b0;
      right$i += a0[$i] * b1;
      #end
      #repeat i 4 5 6 7
      left$i += a1[$i - 4] * b0;
      right$i += a1[$i - 4] * b1;
      #end
      #repeat i 8 9 10 11
      left$i += a2[$i - 8] * b0;
      right$i += a2[$i - 8] * b1;
      #end
      #repeat i 12 13 14 15
      left$i += a3[$i - 12] * b0;
      right$i += a3[$i - 12] * b1;
      #end
    }
    #end
  }
  let at_column = group.x * 32u + column;
  #repeat i 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
  {
    let c_row = group.y * 256u + $iu / 4u * 64u + row * 4u + $iu % 4u;
    if (c_row < s.m) {
      let at = c_row * n4 + at_column;
      if (at_column < n4) {
        if (s.accumulate == 1u) {
          left$i += c[at];
        }
        c[at] = left$i;
      }
      if (at_column + 16u < n4) {
        if (s.accumulate == 1u) {
          right$i += c[at + 16u];
        }
        c[at + 16u] = right$i;
      }
    }
  }
  #end
}

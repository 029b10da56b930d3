// A part of one half of a step of the inverse of a lower triangular matrix by doubling, in place. The inverses of the
// diagonal blocks of `side` rows stand in their places; each pair of neighbours A, C with B below A becomes one of twice the
// side:
//
//   (A 0)⁻¹   (    A⁻¹       0 )      first half:  T = B·A⁻¹
//   (B C)   = (−C⁻¹·B·A⁻¹   C⁻¹)      second half: B = −C⁻¹·T
//
// The matrix is in panels of rows. The left factor and what is made are rows of the panel left : (…, end) f32, rows first …
// end−1 of the matrix; product : (…, side) f32 is T for the rows of that panel. Of the summed index only rightFirst …
// rightEnd−1 is done here, rows of the panel right: (…, rightEnd) f32 of the matrix, or (…, side) of T. Sums that an earlier
// part has begun go on from what it has stored, so that all panels add in one order. Needs lib/inverse_first_half or lib/inverse_second_half.
//
// All are multiples of 32. Pairs begin at row aStart, of which the first is done, and after it at every 2·side rows.
// Done are rows start … start+rows−1 of C as far as they are in the panel; `rows` is a multiple of 128, or all that are left.
// The last C may have fewer rows than A. What the matrix holds right of its diagonal blocks of 32 is not read.
// One invocation makes 8 × 8 elements; a workgroup of 4 × 16 invocations makes 128 rows of 32 columns of pair group.z.

@compute @workgroup_size(4, 16)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let a_start = s.aStart + id.z * 2u * s.side;
  let c_start = a_start + s.side;
  let row = s.start + id.y * 8u; // of C
  let column = id.x * 8u; // of A
  if (row >= min(s.side, s.end - c_start) || column >= s.side) {
    return;
  }
  // Summed index: of A from the diagonal block of this column down, or of C to that of this row.
  let all_begin = select(a_start + column / 32u * 32u, c_start, SECOND_HALF);
  let all_end = select(c_start, c_start + row / 32u * 32u + 32u, SECOND_HALF);
  let begin = max(all_begin, s.rightFirst);
  let end = min(all_end, s.rightEnd);
  if (begin >= end) {
    return;
  }
  let end4 = s.end / 4u;
  let target_at = sum_at(c_start + row, a_start, column);
  let target_stride = sum_at(s.first + 1u, 0u, 0u);
  let right_stride = right_at(s.rightFirst + 1u, 0u, 0u);
  var left_at = (c_start + row - s.first) * end4 + begin / 4u;
  var right_row = right_at(begin, a_start, column);
  #repeat i 0 1 2 3 4 5 6 7
  var left$i = vec4f();
  var right$i = vec4f();
  if (begin > all_begin) {
    left$i = load_sum(target_at + $iu * target_stride);
    right$i = load_sum(target_at + $iu * target_stride + 1u);
  }
  #end
  for (var t = begin; t < end; t += 4u) {
    #repeat i 0 1 2 3 4 5 6 7
    let x$i = left[left_at + $iu * end4];
    #end
    #repeat j x y z w
    {
      let y0 = right[right_row];
      let y1 = right[right_row + 1u];
      #repeat i 0 1 2 3 4 5 6 7
      left$i += x$i.$j * y0;
      right$i += x$i.$j * y1;
      #end
    }
    right_row += right_stride;
    #end
    left_at++;
  }
  #repeat i 0 1 2 3 4 5 6 7
  store_sum(target_at + $iu * target_stride, left$i);
  store_sum(target_at + $iu * target_stride + 1u, right$i);
  #end
}

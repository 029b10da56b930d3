// One half of a step of the inverse of a lower triangular matrix by doubling, in place. The inverses of the diagonal
// blocks of `side` rows stand in their places; each pair of neighbours A, C with B below A becomes one of twice the side:
//
//   (A 0)⁻¹   (    A⁻¹       0 )      first half:  T = B·A⁻¹, into u at B's place
//   (B C)   = (−C⁻¹·B·A⁻¹   C⁻¹)      second half: B = −C⁻¹·T
//
// l : (k, k) f32   u : (k, k) f32, lower triangle for T   row-major; side and k multiples of 32.
// Done are rows start … start+rows−1 of C; `rows` is a multiple of 128, or all that are left.
// The last C may have fewer rows than A, or be missing. What l holds right of its diagonal blocks of 32 is not read.
// One invocation makes 8 × 8 elements; a workgroup of 4 × 16 invocations makes 128 rows of 32 columns of pair group.z.

@compute @workgroup_size(4, 16)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let k4 = s.k / 4u;
  let a_start = id.z * 2u * s.side;
  let c_start = a_start + s.side;
  let row = s.start + id.y * 8u; // of C
  let column = id.x * 8u; // of A
  if (row >= min(s.side, s.k - c_start) || column >= s.side) {
    return;
  }
  // Summed index within A, or C: from the diagonal block of this column down, or to that of this row.
  let summed = select(a_start, c_start, SECOND_HALF);
  let begin = select(column / 32u * 32u, 0u, SECOND_HALF);
  let end = select(s.side, row / 32u * 32u + 32u, SECOND_HALF);
  let target_at = (c_start + row) * k4 + (a_start + column) / 4u;
  var left_at = (c_start + row) * k4 + (summed + begin) / 4u;
  var right_at = (summed + begin) * k4 + (a_start + column) / 4u;
  #repeat i 0 1 2 3 4 5 6 7
  var left$i = vec4f();
  var right$i = vec4f();
  #end
  for (var t = begin; t < end; t += 4u) {
    #repeat i 0 1 2 3 4 5 6 7
    let x$i = l[left_at + $iu * k4];
    #end
    #repeat j x y z w
    {
      var y0: vec4f;
      var y1: vec4f;
      if (SECOND_HALF) {
        y0 = u[right_at];
        y1 = u[right_at + 1u];
      } else {
        y0 = l[right_at];
        y1 = l[right_at + 1u];
      }
      #repeat i 0 1 2 3 4 5 6 7
      left$i += x$i.$j * y0;
      right$i += x$i.$j * y1;
      #end
    }
    right_at += k4;
    #end
    left_at++;
  }
  #repeat i 0 1 2 3 4 5 6 7
  if (SECOND_HALF) {
    l[target_at + $iu * k4] = -left$i;
    l[target_at + $iu * k4 + 1u] = -right$i;
  } else {
    u[target_at + $iu * k4] = left$i;
    u[target_at + $iu * k4 + 1u] = right$i;
  }
  #end
}

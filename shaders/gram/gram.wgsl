// Rows start … start+rows−1 of H += XᵀX, lower triangle: every 8 × 8 block with an element on or below the diagonal is
// written whole.
//
// x : (m, k) f32, inputs of a linear   h : (rows, start+rows) f32, of its Hessian   row-major, k, start and rows multiples
// of 8.
// One invocation makes one 8 × 8 block; a workgroup of 4 × 16 invocations makes 128 rows of 32 columns.
// Sums run over the m tokens in order, in f32, and are then added to H, so a long sum is made of partial ones.

@compute @workgroup_size(4, 16)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = s.start + id.y * 8u;
  let column = id.x * 8u;
  if (id.y * 8u >= s.rows || column > row) {
    return;
  }
  let k4 = s.k / 4u;
  #repeat i 0 1
  #repeat j x y z w
  var left_$i$j = vec4f();
  var right_$i$j = vec4f();
  #end
  #end
  var at = 0u;
  for (var token = 0u; token < s.m; token++) {
    let v0 = x[at + column / 4u];
    let v1 = x[at + column / 4u + 1u];
    #repeat i 0 1
    let u$i = x[at + row / 4u + $iu];
    #repeat j x y z w
    left_$i$j += u$i.$j * v0;
    right_$i$j += u$i.$j * v1;
    #end
    #end
    at += k4;
  }
  let h4 = (s.start + s.rows) / 4u;
  var out = id.y * 8u * h4 + column / 4u;
  #repeat i 0 1
  #repeat j x y z w
  h[out] += left_$i$j;
  h[out + 1u] += right_$i$j;
  out += h4;
  #end
  #end
}

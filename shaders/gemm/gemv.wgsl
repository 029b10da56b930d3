// C = A·B, or C += A·B where `accumulate` is 1, for few rows of A.
//
// a : (m, k) f32   b : (k, n) f32   c : (m, n) f32   all row-major, n a multiple of 4.
// Workgroup (columns, row) of 8 × 16 invocations makes 32 columns of one row of C: each invocation takes every 16th
// element of k for 4 columns, then the 16 sums are added up.

const PARTS = 16u;

var<workgroup> partial: array<vec4f, 128>;

@compute @workgroup_size(8, 16)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) id: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let n4 = s.n / 4u;
  let column = min(group.x * 8u + id.x, n4 - 1u);
  let start = group.y * s.k;
  var sum = vec4f();
  for (var i = id.y; i < s.k; i += PARTS) {
    sum += a[start + i] * b[i * n4 + column];
  }
  partial[lane] = sum;
  workgroupBarrier();
  if (id.y == 0u && group.x * 8u + id.x < n4) {
    let at = group.y * n4 + column;
    var total = vec4f();
    if (s.accumulate == 1u) {
      total = c[at];
    }
    for (var part = 0u; part < PARTS; part++) {
      total += partial[part * 8u + id.x];
    }
    c[at] = total;
  }
}

// Column panel below a diagonal block: L[i, start…] = A[i, start…] · (L_dd⁻¹)ᵀ for the rows i below the block.
//
// a : (k, k) f32, L_dd⁻¹ stands in its diagonal block.
// One workgroup of 32 × 8 invocations makes 32 rows of the panel, each invocation four elements of a column.

struct Scalars {
  k: u32,
  start: u32, // first row and column of the diagonal block
}

@group(0) @binding(0) var<uniform> s: Scalars;
@group(0) @binding(1) var<storage, read_write> a: array<f32>; // matrix, row-major

const SIZE = 32u;

var<workgroup> panel: array<array<f32, 32>, 32>;
var<workgroup> factor: array<array<f32, 32>, 32>;

@compute @workgroup_size(32, 8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) id: vec3u) {
  let first = s.start + SIZE + group.x * SIZE;
  for (var i = id.y; i < SIZE; i += 8u) {
    panel[i][id.x] = a[(first + i) * s.k + s.start + id.x];
    factor[i][id.x] = a[(s.start + i) * s.k + s.start + id.x];
  }
  workgroupBarrier();
  for (var i = id.y; i < SIZE; i += 8u) {
    var sum = 0.0;
    for (var t = 0u; t <= id.x; t++) {
      sum += panel[i][t] * factor[id.x][t];
    }
    a[(first + i) * s.k + s.start + id.x] = sum;
  }
}

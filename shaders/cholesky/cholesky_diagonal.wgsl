// Inverse of the factor of one diagonal block: A = L·Lᵀ, and L⁻¹ in its place.
//
// a : (rows, first+rows) f32, rows `first` … of the matrix: its 32 × 32 block at (start, start) is replaced by L⁻¹, with
// zeros above the diagonal   pivot : (k, 32) f32, gets the same in its rows start …
// status : (1) u32, counts pivots that are not positive and finite
// One workgroup of 32 invocations; invocation i owns row i of L, then column i of the inverse.

const SIZE = 32u;

var<workgroup> l: array<array<f32, 32>, 32>;

fn is_positive(x: f32) -> bool {
  // By its bits: a compiler may assume that NaN and infinity don't occur. Subnormals, which may be taken as zero, fail.
  let bits = bitcast<u32>(x);
  return bits >= 0x00800000u && bits < 0x7f800000u;
}

@compute @workgroup_size(32)
fn main(@builtin(local_invocation_index) i: u32) {
  let stride = s.first + s.rows;
  for (var j = 0u; j < SIZE; j++) {
    l[i][j] = a[(s.start - s.first + i) * stride + s.start + j];
  }
  workgroupBarrier();
  for (var j = 0u; j < SIZE; j++) {
    let pivot = l[j][j];
    let ok = is_positive(pivot);
    if (i == 0u && !ok) {
      status[0] += 1u;
    }
    let root = sqrt(select(1.0, pivot, ok));
    workgroupBarrier();
    if (i == j) {
      l[j][j] = root;
    } else if (i > j) {
      l[i][j] /= root;
    }
    workgroupBarrier();
    if (i > j) {
      for (var t = j + 1u; t <= i; t++) {
        l[i][t] -= l[i][j] * l[t][j];
      }
    }
    workgroupBarrier();
  }
  // Column i of L⁻¹ by forward substitution; written as it grows and read back by the same invocation.
  let column = (s.start - s.first) * stride + s.start + i;
  for (var row = 0u; row < SIZE; row++) {
    var sum = select(0.0, 1.0, row == i);
    for (var t = i; t < row; t++) {
      sum -= l[row][t] * a[column + t * stride];
    }
    let value = select(0.0, sum / l[row][row], row >= i);
    a[column + row * stride] = value;
    pivot[(s.start + row) * 32u + i] = value;
  }
}

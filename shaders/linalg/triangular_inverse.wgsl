// One block row of X = L⁻¹, stored reversed as the upper factor U[k−1−i, k−1−j] = X[i, j].
//
//   X_rj = −L_rr⁻¹ · Σ_{t=j}^{r−1} L_rt · X_tj   for the block columns j < r,   X_rr = L_rr⁻¹
//
// l : (k, k) f32, lower triangle   inverse : (k/32, 32, 32) f32, L_rr⁻¹   u : (k, k) f32, block rows before r are done.
// Workgroup j of 8 × 8 invocations makes block (r, j); each invocation 4 × 4 elements of it.

struct Scalars {
  k: u32,
  block: u32, // r
}

@group(0) @binding(0) var<uniform> s: Scalars;
@group(0) @binding(1) var<storage, read> l: array<f32>; // Cholesky factor, row-major
@group(0) @binding(2) var<storage, read> inverse: array<f32>; // inverses of its diagonal blocks
@group(0) @binding(3) var<storage, read_write> u: array<f32>; // reversed inverse, row-major

const SIZE = 32u;

var<workgroup> sums: array<array<f32, 32>, 32>;

// Index in u of X[i, j].
fn at(i: u32, j: u32) -> u32 {
  return (s.k - 1u - i) * s.k + s.k - 1u - j;
}

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) id: vec3u) {
  let row = s.block * SIZE + id.y * 4u;
  let column = group.x * SIZE + id.x * 4u;
  let diagonal = s.block * SIZE * SIZE;
  #repeat i 0 1 2 3
  var sum$i = vec4f();
  #end
  for (var t = group.x * SIZE; t < s.block * SIZE; t++) {
    // X[t, column … column+3] lies backwards in u.
    let source = at(t, column);
    let x = vec4f(u[source], u[source - 1u], u[source - 2u], u[source - 3u]);
    #repeat i 0 1 2 3
    sum$i += l[(row + $iu) * s.k + t] * x;
    #end
  }
  #repeat i 0 1 2 3
  #repeat j 0 1 2 3
  sums[id.y * 4u + $iu][id.x * 4u + $ju] = sum$i[$j];
  #end
  #end
  workgroupBarrier();
  for (var i = 0u; i < 4u; i++) {
    for (var j = 0u; j < 4u; j++) {
      let r = id.y * 4u + i;
      let c = id.x * 4u + j;
      var value = 0.0;
      if (group.x == s.block) {
        value = inverse[diagonal + r * SIZE + c];
      } else {
        for (var t = 0u; t <= r; t++) {
          value -= inverse[diagonal + r * SIZE + t] * sums[t][c];
        }
      }
      u[at(row + i, column + j)] = value;
    }
  }
}

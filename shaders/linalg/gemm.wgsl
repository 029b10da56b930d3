// C = A·B, or C += A·B.
//
// a : (m, k) f32   b : (k, n) f32   c : (m, n) f32   all row-major, k and n multiples of 4.
// One invocation makes 8 × 8 elements of C, reading storage directly; a workgroup of 4 × 16 invocations makes
// 128 rows of 32 columns. Sums run over k in order, in f32. What lies past m or n is computed on a clamped index
// and not stored.

struct Scalars {
  m: u32,
  n: u32,
  k: u32,
  accumulate: u32, // 1: add to what C holds
}

@group(0) @binding(0) var<uniform> s: Scalars;
@group(0) @binding(1) var<storage, read> a: array<vec4f>; // left factor, vec4 along k
@group(0) @binding(2) var<storage, read> b: array<vec4f>; // right factor, vec4 along n
@group(0) @binding(3) var<storage, read_write> c: array<vec4f>; // product, vec4 along n

@compute @workgroup_size(4, 16)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let n4 = s.n / 4u;
  let k4 = s.k / 4u;
  let row = id.y * 8u;
  let column = id.x * 2u;
  if (row >= s.m || column >= n4) {
    return;
  }
  let second = min(column + 1u, n4 - 1u);
  #repeat i 0 1 2 3 4 5 6 7
  let start$i = min(row + $iu, s.m - 1u) * k4;
  var left$i = vec4f();
  var right$i = vec4f();
  #end
  for (var step = 0u; step < k4; step++) {
    #repeat i 0 1 2 3 4 5 6 7
    let x$i = a[start$i + step];
    #end
    var at = step * s.n;
    #repeat j x y z w
    {
      let y0 = b[at + column];
      let y1 = b[at + second];
      #repeat i 0 1 2 3 4 5 6 7
      left$i += x$i.$j * y0;
      right$i += x$i.$j * y1;
      #end
    }
    at += n4;
    #end
  }
  #repeat i 0 1 2 3 4 5 6 7
  if (row + $iu < s.m) {
    let at = (row + $iu) * n4;
    if (s.accumulate == 1u) {
      left$i += c[at + column];
      right$i += c[at + second];
    }
    c[at + column] = left$i;
    if (second != column) {
      c[at + second] = right$i;
    }
  }
  #end
}

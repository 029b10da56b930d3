// Transposes a weight as it lies in a model file to f32: w[i, j] = source[j, i], columns from n on are zero.
//
// source : (n, k) f32, f16 or bf16 (two to a word)   w : (k, nPadded) f32
// One workgroup of 32 invocations turns a 32 × 32 tile (software adapters take long to switch between more at a
// barrier). k is a multiple of 32.

var<workgroup> tile: array<array<f32, 33>, 32>;

#repeat T f32 f16 bf16
@compute @workgroup_size(32)
fn from_$T(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  for (var i = 0u; i < 32u; i++) {
    let row = group.y * 32u + i;
    var value = 0.0;
    if (row < s.n) {
      value = load_$T(row * s.k + group.x * 32u + lane);
    }
    tile[i][lane] = value;
  }
  workgroupBarrier();
  let column = group.y * 32u + lane;
  if (column < s.nPadded) {
    for (var i = 0u; i < 32u; i++) {
      w[(group.x * 32u + i) * s.nPadded + column] = tile[lane][i];
    }
  }
}
#end

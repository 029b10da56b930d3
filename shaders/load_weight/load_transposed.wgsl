// A weight that its file has transposed, to f32: w[i, j] = source[i, j], columns from n on are zero.
//
// source : (k, n) f32, f16 or bf16 (two to a word)   w : (k, nPadded) f32
// One invocation takes one element.

#repeat T f32 f16 bf16
@compute @workgroup_size(64)
fn from_$T(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) counts: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = flat_workgroup(group, counts) * 64u + lane;
  let column = index % s.nPadded;
  if (index >= s.k * s.nPadded) {
    return;
  }
  var value = 0.0;
  if (column < s.n) {
    value = load_$T(index / s.nPadded * s.n + column);
  }
  w[index] = value;
}
#end

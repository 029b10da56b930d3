// The factor p with the smallest error (the first of equals), and the group's stored unit: scaleMax = f16(unit · p),
// with p = least · (1 − i/(factors − 1)) + most · i/(factors − 1).
//
// partial : (candidates, tiles, factors) f32, error of each factor in each tile, factors ≤ 128
// unit : (all groups) u32 bits of f32   jobs: see group_update
// scaleMax : (all groups) u32, bits of a half in the low 16
// One workgroup of 32 invocations a job; invocation i sums the tiles' errors of factors i, i + 32, … in order.

const WIDTH = 32u;

var<workgroup> errors: array<f32, 128>;

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
  let job = (s.job + group.x) * 6u;
  for (var factor = i; factor < s.factors; factor += WIDTH) {
    var sum = 0.0;
    for (var tile = 0u; tile < s.tiles; tile++) {
      sum += partial[(jobs[job] * s.tiles + tile) * s.factors + factor];
    }
    errors[factor] = sum;
  }
  workgroupBarrier();
  if (i == 0u) {
    var best = 0u;
    for (var j = 1u; j < s.factors; j++) {
      if (errors[j] < errors[best]) {
        best = j;
      }
    }
    let fraction = f32(best) / f32(s.factors - 1u);
    let p = s.least * (1.0 - fraction) + s.most * fraction;
    let index = jobs[job + 5u];
    scaleMax[index] = half_bits(bitcast<f32>(unit[index]) * p);
  }
}

// Error of a group under each of 97 factors p on its unit, summed over a tile of 32 columns:
//   partial[tile, p] = Σ_{r, j} |clamp(round(w / (t·p)), −zero, maxq − zero) · t·p − w|^3.5
// with w = current[r, j], t = (c/16)² · unit, c = clamp(round(16·sqrt(base/unit)), 1, 16), p = 0.7·(1 − i/96) + 1.2·i/96.
//
// current, jobs: see group_update   base : (candidates, n) f32, scale that just fits each column
// unit : (all groups) u32 bits of f32   partial : (candidates, tiles, 97) f32   scaleCodes : (all groups, n) u32, the codes c
// These columns may be a slice of a weight: from its tile `firstTile` of `tiles` on.
// Workgroup (tile, job) of 128 invocations; invocation i tries factor i on every weight of the tile, so the sum needs
// no reduction and has a fixed order; the first 8 also store the tile's scale codes. n is a multiple of 32.

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
  if (i >= 97u) {
    return;
  }
  let job = (s.job + group.y) * 6u;
  let index = jobs[job + 5u];
  let candidate = jobs[job];
  let rows = jobs[job + 2u] - jobs[job + 1u];
  let bits = jobs[job + 3u];
  let group_unit = bitcast<f32>(unit[index]);
  let zero = f32(1u << (bits - 1u));
  let last = zero - 1.0;
  let fraction = f32(i) / 96.0;
  let p = 0.7 * (1.0 - fraction) + 1.2 * fraction;
  let n4 = s.n / 4u;
  var sum = 0.0;
  for (var column = group.x * 8u; column < group.x * 8u + 8u; column++) {
    let code = clamp(round(16.0 * sqrt(base[candidate * n4 + column] / group_unit)), vec4f(1.0), vec4f(16.0));
    if (i == column % 8u) {
      scaleCodes[index * n4 + column] = vec4u(code);
    }
    let scale = code * code * (0.00390625 * group_unit) * p;
    let inverse = 1.0 / scale;
    var at = candidate * 128u * n4 + column;
    for (var r = 0u; r < rows; r++) {
      let weight = current[at];
      let error = abs(clamp(round(weight * inverse), vec4f(-zero), vec4f(last)) * scale - weight);
      sum += dot(error * error * error, sqrt(error));
      at += n4;
    }
  }
  partial[(candidate * s.tiles + s.firstTile + group.x) * 97u + i] = sum;
}

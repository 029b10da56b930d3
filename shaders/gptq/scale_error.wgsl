// Error of a group under each of 97 factors p on its unit, summed over a tile of 32 columns:
//   partial[tile, p] = Σ_{r, j} |clamp(round(w / (t·p)), −zero, maxq − zero) · t·p − w|^3.5
// with w = current[r, j], t = (c/16)² · unit, c = clamp(round(16·sqrt(base/unit)), 1, 16), p = 0.7·(1 − i/96) + 1.2·i/96.
//
// current : (candidates, 128, n) f32   base : (candidates, n) f32   unit : (all groups) u32 bits of f32
// jobs: see group_update   partial : (candidates, tiles, 97) f32   scale_codes : (all groups, n) u32, the codes c
// Workgroup (tile, job) of 128 invocations; invocation i tries factor i on every weight of the tile, so the sum needs
// no reduction and has a fixed order; the first 8 also store the tile's scale codes. n is a multiple of 32.

struct Scalars {
  n: u32,
  job: u32, // first job of this step
  first_tile: u32, // of these columns, where they are a slice of a wider weight
  tiles: u32, // of the whole weight
}

@group(0) @binding(0) var<uniform> s: Scalars;
@group(0) @binding(1) var<storage, read> current: array<vec4f>; // rows of the group, vec4 along n
@group(0) @binding(2) var<storage, read> base: array<vec4f>; // fitting scale of each column
@group(0) @binding(3) var<storage, read> unit: array<u32>; // unit of each group
@group(0) @binding(4) var<storage, read> jobs: array<u32>; // groups to do
@group(0) @binding(5) var<storage, read_write> partial: array<f32>; // error of each factor in each tile
@group(0) @binding(6) var<storage, read_write> scale_codes: array<vec4u>; // scale code of each column, vec4 along n

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
      scale_codes[index * n4 + column] = vec4u(code);
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
  partial[(candidate * s.tiles + s.first_tile + group.x) * 97u + i] = sum;
}

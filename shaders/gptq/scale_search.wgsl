// Weighted error of a group under each of 12 factors p on its unit, summed over a tile of 32 columns that each take
// the scale code that suits them best:
//   partial[tile, p] = Σ_j min_c Σ_r (value(w) − w)² / U[r, r]²,   w = current[r, j],   unit f16(unit · p)
// with p = 0.55 · (1 − i/11) + 1.1 · i/11.
//
// current : (candidates, 128, n) f32   u : (k, k) f32   base : (candidates, n) f32   unit : (all groups) u32 bits of f32
// jobs: see group_update   partial : (candidates, tiles, 12) f32
// Workgroup (tile, job) of 128 invocations; one invocation takes three factors of a column. n is a multiple of 32.

struct Scalars {
  k: u32,
  n: u32,
  job: u32, // first job of this step
  first_tile: u32, // of these columns, where they are a slice of a wider weight
  tiles: u32, // of the whole weight
}

@group(0) @binding(0) var<uniform> s: Scalars;
@group(0) @binding(1) var<storage, read> current: array<f32>; // rows of the group
@group(0) @binding(2) var<storage, read> u: array<f32>; // factor of the inverse Hessian
@group(0) @binding(3) var<storage, read> base: array<f32>; // fitting scale of each column
@group(0) @binding(4) var<storage, read> unit: array<u32>; // unit of each group
@group(0) @binding(5) var<storage, read> jobs: array<u32>; // groups to do
@group(0) @binding(6) var<storage, read_write> partial: array<f32>; // error of each factor in each tile

const FACTORS = 12u;

var<workgroup> errors: array<f32, 384>; // (factor, column)

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let job = (s.job + group.y) * 6u;
  let candidate = jobs[job];
  let start = jobs[job + 1u];
  let rows = jobs[job + 2u] - start;
  if (lane < rows) {
    let diagonal = u[(start + lane) * (s.k + 1u)];
    weights[lane] = 1.0 / (diagonal * diagonal);
  }
  workgroupBarrier();
  let column = group.x * 32u + lane % 32u;
  let zero = f32(1u << (jobs[job + 3u] - 1u));
  let widest = bitcast<f32>(unit[jobs[job + 5u]]);
  let at = candidate * 128u * s.n + column;
  for (var factor = lane / 32u; factor < FACTORS; factor += 4u) {
    let fraction = f32(factor) / 11.0;
    let stored = round_to_half(widest * (0.55 * (1.0 - fraction) + 1.1 * fraction));
    errors[factor * 32u + lane % 32u] =
      best_scale_code(at, s.n, rows, base[candidate * s.n + column], stored, zero).y;
  }
  workgroupBarrier();
  if (lane < FACTORS) {
    var sum = 0.0;
    for (var i = 0u; i < 32u; i++) {
      sum += errors[lane * 32u + i];
    }
    partial[(candidate * s.tiles + s.first_tile + group.x) * FACTORS + lane] = sum;
  }
}

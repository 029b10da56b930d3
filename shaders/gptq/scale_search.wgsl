// Weighted error of a group under each of 12 factors p on its unit, summed over a tile of 32 columns that each take
// the scale code that suits them best:
//   partial[tile, p] = Σ_j min_c Σ_r (value(w) − w)² / U[r, r]²,   w = current[r, j],   unit f16(unit · p)
// with p = 0.55 · (1 − i/11) + 1.1 · i/11.
//
// current : (candidates, 128, n) f32   u : (k, k) f32   base : (candidates, n) f32   unit : (all groups) u32 bits of f32
// jobs: see group_update   partial : (candidates, tiles, 12) f32
// Workgroup (tile, job) of 96 invocations; one invocation takes one factor of four columns. n is a multiple of 32.

struct Scalars {
  k: u32,
  n: u32,
  job: u32, // first job of this step
  first_tile: u32, // of these columns, where they are a slice of a wider weight
  tiles: u32, // of the whole weight
}

@group(0) @binding(0) var<uniform> s: Scalars;
@group(0) @binding(1) var<storage, read> current: array<vec4f>; // rows of the group, vec4 along n
@group(0) @binding(2) var<storage, read> u: array<f32>; // factor of the inverse Hessian
@group(0) @binding(3) var<storage, read> base: array<vec4f>; // fitting scale of each column
@group(0) @binding(4) var<storage, read> unit: array<u32>; // unit of each group
@group(0) @binding(5) var<storage, read> jobs: array<u32>; // groups to do
@group(0) @binding(6) var<storage, read_write> partial: array<f32>; // error of each factor in each tile

const FACTORS = 12u;

var<workgroup> errors: array<f32, 96>; // (factor, four columns)

@compute @workgroup_size(96)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let job = (s.job + group.y) * 6u;
  let candidate = jobs[job];
  let start = jobs[job + 1u];
  let rows = jobs[job + 2u] - start;
  load_weights(start, rows, lane, 96u);
  let n4 = s.n / 4u;
  let column = group.x * 8u + lane % 8u;
  let zero = f32(1u << (jobs[job + 3u] - 1u));
  let widest = bitcast<f32>(unit[jobs[job + 5u]]);
  let fraction = f32(lane / 8u) / 11.0;
  let stored = round_to_half(widest * (0.55 * (1.0 - fraction) + 1.1 * fraction));
  let at = candidate * 128u * n4 + column;
  let error = best_scale_codes(at, n4, rows, base[candidate * n4 + column], stored, zero).error;
  errors[lane] = dot(error, vec4f(1.0));
  workgroupBarrier();
  if (lane < FACTORS) {
    var sum = 0.0;
    for (var i = 0u; i < 8u; i++) {
      sum += errors[lane * 8u + i];
    }
    partial[(candidate * s.tiles + s.first_tile + group.x) * FACTORS + lane] = sum;
  }
}

// Weighted error of a group under each of 12 factors p on its unit, summed over a tile of 32 columns that each take
// the scale code that suits them best:
//   partial[tile, p] = Σ_j min_c Σ_r (value(w) − w)² / U[r, r]²,   w = current[r, j],   unit f16(unit · p)
// with p = 0.55 · (1 − i/11) + 1.1 · i/11.
//
// current, u, jobs: see group_update   base : (candidates, n) f32, scale that just fits each column
// unit : (all groups) u32 bits of f32   partial : (candidates, tiles, 12) f32
// These columns may be a slice of a weight: from its tile `firstTile` of `tiles` on.
// Workgroup (tile, job) of 96 invocations; one invocation takes one factor of four columns. n is a multiple of 32.

const FACTORS = 12u;

var<workgroup> errors: array<f32, 96>; // (factor, four columns)

@compute @workgroup_size(96)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let job = (s.job + group.y) * 6u;
  let candidate = jobs[job];
  let start = jobs[job + 1u];
  let rows = jobs[job + 2u] - start;
  let diagonal_at = (candidate * s.k + start) * 256u + start - jobs[job + 4u];
  load_weights(diagonal_at, rows, lane, 96u);
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
    partial[(candidate * s.tiles + s.firstTile + group.x) * FACTORS + lane] = sum;
  }
}

// As scale_search.wgsl, for adapters on the CPU. There reads and switching at barriers cost most, and registers are few:
// each element that is read serves 24 fits, one after the other, and workgroups are small.
//
// current, u, base, unit, jobs, partial: see scale_search
// Workgroup (tile, job) of 12 invocations; one invocation takes four factors of every fourth column. n is a multiple of 32.

const LANES = 12u;

var<workgroup> weights: array<f32, 128>; // 1 / U[r, r]² of the group's rows
var<workgroup> errors: array<vec4f, LANES>; // (four factors, columns)

// Weighted error of a column under four units, each with the best of six scale codes: see column_fit. Errors are summed
// in half steps of the scale. A weight is rounded by floor, as rounding to even takes many steps here.
fn least_errors(column_at: u32, rows: u32, fitting: f32, units: vec4f, zero: f32) -> vec4f {
  let highest = clamp(ceil(16.0 * sqrt(1.1 * fitting / units)), vec4f(1.0), vec4f(16.0));
  let step = 0.00390625 * units;
  let least = -zero;
  let most = zero - 1.0;
  #repeat i 0 1 2 3 4 5
  let code$i = max(highest - $i.0, vec4f(1.0));
  let scale$i = code$i * code$i * step;
  let inverse$i = select(1.0 / scale$i, vec4f(), scale$i == vec4f());
  #repeat p x y z w
  var sum$i$p = 0.0;
  #end
  #end
  var power = 0.0; // the error where the scale is zero
  var at = column_at;
  for (var r = 0u; r < rows; r++) {
    let w = current[at];
    let weight = weights[r];
    #repeat i 0 1 2 3 4 5
    #repeat p x y z w
    {
      let x = w * inverse$i.$p + 0.5;
      let q = floor(x);
      let difference = abs(q - least) - abs(q - most) - (x + x);
      sum$i$p += weight * difference * difference;
    }
    #end
    #end
    power += weight * w * w;
    at += s.n;
  }
  var error = vec4f(3.4e38);
  #repeat i 0 1 2 3 4 5
  let sum$i = 0.25 * vec4f(sum$ix, sum$iy, sum$iz, sum$iw) * scale$i * scale$i;
  error = min(error, select(sum$i, vec4f(power), scale$i == vec4f()));
  #end
  return error;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let job = (s.job + group.y) * 6u;
  let candidate = jobs[job];
  let start = jobs[job + 1u];
  let rows = jobs[job + 2u] - start;
  let diagonal_at = (candidate * s.k + start) * 256u + start - jobs[job + 4u];
  for (var r = lane; r < rows; r += LANES) {
    let diagonal = u[diagonal_at + r * 257u];
    weights[r] = 1.0 / (diagonal * diagonal);
  }
  workgroupBarrier();
  let zero = f32(1u << (jobs[job + 3u] - 1u));
  let widest = bitcast<f32>(unit[jobs[job + 5u]]);
  #repeat i 0 1 2 3
  let fraction$i = f32(lane / 4u * 4u + $iu) / 11.0;
  let stored$i = round_to_half(widest * (0.55 * (1.0 - fraction$i) + 1.1 * fraction$i));
  #end
  let units = vec4f(stored0, stored1, stored2, stored3);
  var sum = vec4f();
  for (var i = lane % 4u; i < 32u; i += 4u) {
    let column = group.x * 32u + i;
    sum += least_errors(candidate * 128u * s.n + column, rows, base[candidate * s.n + column], units, zero);
  }
  errors[lane] = sum;
  workgroupBarrier();
  if (lane % 4u == 0u) {
    let total = errors[lane] + errors[lane + 1u] + errors[lane + 2u] + errors[lane + 3u];
    let at = (candidate * s.tiles + s.firstTile + group.x) * 12u + lane;
    #repeat i 0 1 2 3
    partial[at + $iu] = total[$i];
    #end
  }
}

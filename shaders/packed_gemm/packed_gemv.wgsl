// y = x·W, or y += x·W where `accumulate` is 1, for few rows of x, W read as EXL2 packs it.
//
// x : (m, k) f32   perm : (k) u32, input feature of each packed row   chunks : (k/32) vec4u, see lib/packed.wgsl
// scales : (groups, n/8) u32 = q_scale   packed : (packed rows, n) u32 = q_weight   y : (m, n) f32
// k and n are multiples of 32. Workgroup (columns, row) of 8 × 16 invocations makes 32 columns of one row of y: each
// invocation takes every 16th chunk of 32 weights of 4 columns, then the 16 sums are added up.

const PARTS = 16u;

var<workgroup> partial: array<vec4f, 128>;

@compute @workgroup_size(8, 16)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) id: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let n4 = s.n / 4u;
  let column = group.x * 8u + id.x;
  let start = group.y * s.k;
  var sum = vec4f();
  for (var chunk = id.y; chunk < s.k / 32u; chunk += PARTS) {
    let info = chunks[chunk];
    let bits = info.y;
    let nibbles = scales[info.z * (s.n / 8u) + column / 2u] >> (column % 2u * 16u);
    let scale = four_scales(nibbles, info.w);
    var at = info.x * n4 + column;
    var word = packed[at];
    var used = 0u; // bits of `word`
    for (var i = 0u; i < 32u; i++) {
      var code = word >> vec4u(used);
      used += bits;
      if (used >= 32u) {
        // After the last chunk there is no next word, and nothing of it is used.
        used -= 32u;
        at += n4;
        word = packed[min(at, arrayLength(&packed) - 1u)];
        if (used > 0u) {
          code |= word << vec4u(bits - used);
        }
      }
      sum += x[start + perm[chunk * 32u + i]] * four_values(code, bits, scale);
    }
  }
  partial[lane] = sum;
  workgroupBarrier();
  if (id.y == 0u) {
    let at = group.y * n4 + column;
    var total = vec4f();
    if (s.accumulate == 1u) {
      total = y[at];
    }
    for (var part = 0u; part < PARTS; part++) {
      total += partial[part * 8u + id.x];
    }
    y[at] = total;
  }
}

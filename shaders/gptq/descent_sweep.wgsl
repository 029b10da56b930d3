// Coordinate descent on tr(DᵀHD) over the codes of a block of rows, scales fixed. Row by row, each code takes the value
// that is best while all others stay:
//   g = (H·D)[r, j] with the block's rows before r as they are now,   code = clamp(round((q + g / H[r, r]) / scale) + zero)
//
// h : (k, k) f32, permuted and damped   gradient : (rows, n) f32, H·D of the block; then the changes of D
// codes, scale_codes, scale_max, rows: see dequantize   d : (k, n) f32, W − Q in act-order
// Workgroup (columns) of 64 invocations; one invocation takes one column and reads back only what it wrote.

struct Scalars {
  k: u32,
  n: u32,
  start: u32, // first row of the block
  end: u32,
}

@group(0) @binding(0) var<uniform> s: Scalars;
@group(0) @binding(1) var<storage, read> h: array<f32>; // Hessian
@group(0) @binding(2) var<storage, read> scale_codes: array<u32>; // scale code of each column
@group(0) @binding(3) var<storage, read> scale_max: array<u32>; // stored unit of each group
@group(0) @binding(4) var<storage, read> rows: array<u32>; // group and bits of each row
@group(0) @binding(5) var<storage, read_write> gradient: array<f32>; // of the block
@group(0) @binding(6) var<storage, read_write> codes: array<u32>; // codes, a byte each
@group(0) @binding(7) var<storage, read_write> d: array<f32>; // change of the weight

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let column = group.x * 64u + lane;
  if (column >= s.n) {
    return;
  }
  var word = 0u;
  for (var r = s.start; r < s.end; r++) {
    let row = rows[r];
    let bits = row % 16u;
    let zero = f32(1u << (bits - 1u));
    let scale = exl2_scale(scale_codes[row / 16u * s.n + column], half_value(scale_max[row / 16u]));
    let at = (r - s.start) * s.n + column;
    var g = gradient[at];
    for (var i = s.start; i < r; i++) {
      g += h[r * s.k + i] * gradient[(i - s.start) * s.n + column];
    }
    let shift = r % 4u * 8u;
    if (r % 4u == 0u) {
      word = codes[r / 4u * s.n + column];
    }
    let code = (word >> shift) & 0xffu;
    var best = code;
    if (scale > 0.0) {
      let wanted = f32(code) - zero + g / (h[r * s.k + r] * scale);
      best = u32(clamp(round(wanted) + zero, 0.0, 2.0 * zero - 1.0));
    }
    let change = exl2_value(code, bits, scale) - exl2_value(best, bits, scale);
    gradient[at] = change;
    d[r * s.n + column] += change;
    word = (word & ~(0xffu << shift)) | (best << shift);
    if (r % 4u == 3u) {
      codes[r / 4u * s.n + column] = word;
    }
  }
}

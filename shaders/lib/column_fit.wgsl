// The scale code that fits a column of a group best; needs lib/exl2.wgsl and, from the kernel that uses it, `current`
// and `weights`.

const CODES = 6u; // scale codes that are tried
const MOST_ROWS = 128u; // of a group

// 1 / U[r, r]² of the group's rows: what an error in row r costs when the rows after it make up for what they can.
var<workgroup> weights: array<f32, MOST_ROWS>;

// Best of six scale codes for the rows of a column whose first element is current[at], and its weighted squared error.
//   base : scale that just fits the column   unit : stored unit of the group   zero : 2^(bits − 1)
// Codes from the one whose scale is 1.1 · base downwards: clipping the largest weights pays, wider scales do not.
fn best_scale_code(at: u32, n: u32, rows: u32, base: f32, unit: f32, zero: f32) -> vec2f {
  let highest = clamp(ceil(16.0 * sqrt(1.1 * base / unit)), 1.0, 16.0);
  #repeat i 0 1 2 3 4 5
  let code$i = max(highest - $i.0, 1.0);
  let scale$i = exl2_scale(u32(code$i), unit);
  let inverse$i = select(1.0 / scale$i, 0.0, scale$i == 0.0);
  var error$i = 0.0;
  #end
  for (var r = 0u; r < rows; r++) {
    let w = current[at + r * n];
    let weight = weights[r];
    #repeat i 0 1 2 3 4 5
    let difference$i = clamp(round(w * inverse$i), -zero, zero - 1.0) * scale$i - w;
    error$i += weight * difference$i * difference$i;
    #end
  }
  var best = vec2f(code0, error0);
  #repeat i 1 2 3 4 5
  best = select(best, vec2f(code$i, error$i), error$i < best.y);
  #end
  return best;
}

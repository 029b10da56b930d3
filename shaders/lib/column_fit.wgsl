// The scale codes that fit four columns of a group best; needs, from the kernel that uses it, `current`, `u` and `s.k`.

const MOST_ROWS = 128u; // of a group

// 1 / U[r, r]² of the group's rows: what an error in row r costs when the rows after it make up for what they can.
var<workgroup> weights: array<f32, MOST_ROWS>;

// Fills `weights` for the group's rows; every one of the workgroup's `lanes` invocations takes part. `diagonal_at`: where U's
// diagonal element of the first row stands in u.
fn load_weights(diagonal_at: u32, rows: u32, lane: u32, lanes: u32) {
  for (var r = lane; r < rows; r += lanes) {
    let diagonal = u[diagonal_at + r * 257u];
    weights[r] = 1.0 / (diagonal * diagonal);
  }
  workgroupBarrier();
}

struct ColumnFit {
  code: vec4f, // scale code, 1 … 16
  error: vec4f, // weighted squared error
}

// Best of six scale codes for the rows of the columns whose first elements are current[at].
//   base : scale that just fits each column   unit : stored unit of the group   zero : 2^(bits − 1)
// Codes from the one whose scale is 1.1 · base downwards: clipping the largest weights pays, wider scales do not.
// Scales are compared without their rounding to half precision, which changes no error that matters.
// Errors are summed in steps of the scale. A code is clamped as (|q − least| − |q − most| − 1) / 2, as software adapters
// take minima by comparing and choosing.
fn best_scale_codes(at: u32, n4: u32, rows: u32, base: vec4f, unit: f32, zero: f32) -> ColumnFit {
  let highest = clamp(ceil(16.0 * sqrt(1.1 * base / unit)), vec4f(1.0), vec4f(16.0));
  let step = 0.00390625 * unit;
  let least = vec4f(-zero);
  let most = vec4f(zero - 1.0);
  #repeat i 0 1 2 3 4 5
  let code$i = max(highest - $i.0, vec4f(1.0));
  let scale$i = code$i * code$i * step;
  let inverse$i = select(1.0 / scale$i, vec4f(), scale$i == vec4f());
  var error$i = vec4f();
  #end
  var power = vec4f(); // the error where the scale is zero
  var row = at;
  for (var r = 0u; r < rows; r++) {
    let w = current[row];
    let weight = weights[r];
    #repeat i 0 1 2 3 4 5
    let x$i = w * inverse$i;
    let q$i = round(x$i);
    let difference$i = 0.5 * (abs(q$i - least) - abs(q$i - most)) - (x$i + 0.5);
    error$i += weight * difference$i * difference$i;
    #end
    power += weight * w * w;
    row += n4;
  }
  #repeat i 0 1 2 3 4 5
  error$i = select(error$i * scale$i * scale$i, power, scale$i == vec4f());
  #end
  var best = ColumnFit(code0, error0);
  #repeat i 1 2 3 4 5
  best.code = select(best.code, code$i, error$i < best.error);
  best.error = min(best.error, error$i);
  #end
  return best;
}

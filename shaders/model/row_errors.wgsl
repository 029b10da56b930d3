// Relative errors of rows of tokens, squared, from the sums that difference_norms makes of each token. Needs
// lib/flat.wgsl.
//
//   errors[row].x = mean over the row's tokens of ‖y − reference‖² / ‖reference‖²
//   errors[row].y = ‖y − reference‖² / ‖reference‖² of the row as a whole
//
// sums : (rows, length, parts, 2) f32   errors : (rows, 2) f32. A workgroup of 32 invocations takes a row.

struct Scalars {
  rows: u32,
  length: u32, // tokens of a row
  parts: u32, // of a token
}

@group(0) @binding(0) var<uniform> s: Scalars;
@group(0) @binding(1) var<storage, read> sums: array<vec2f>; // Σ (y − reference)², Σ reference²
@group(0) @binding(2) var<storage, read_write> errors: array<vec2f>; // token by token, as a whole

const WIDTH = 32u; // software adapters take long to switch between more at a barrier

var<workgroup> partial: array<vec3f, WIDTH>;

// Where nothing should be, anything is wholly wrong.
fn relative(difference: f32, power: f32) -> f32 {
  if (power == 0.0) {
    return select(1.0, 0.0, difference == 0.0);
  }
  return difference / power;
}

@compute @workgroup_size(WIDTH)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) counts: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = flat_workgroup(group, counts);
  let end = select(0u, s.length, row < s.rows);
  var sum = vec3f();
  for (var token = lane; token < end; token += WIDTH) {
    let first = (row * s.length + token) * s.parts;
    var squares = vec2f();
    for (var part = 0u; part < s.parts; part++) {
      squares += sums[first + part];
    }
    sum += vec3f(relative(squares.x, squares.y), squares);
  }
  partial[lane] = sum;
  workgroupBarrier();
  if (lane == 0u && row < s.rows) {
    var total = vec3f();
    for (var i = 0u; i < WIDTH; i++) {
      total += partial[i];
    }
    errors[row] = vec2f(total.x / f32(s.length), relative(total.y, total.z));
  }
}

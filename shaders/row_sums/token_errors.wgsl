// Sums for the relative errors of rows of tokens: of each token ‖y − reference‖² / ‖reference‖², and its two terms.
// Needs lib/flat.wgsl.
//
// y, reference : (rows, length, hidden) f32   sums : (rows, parts, 3) f32, parts = ceil(length / 8)
// Workgroup row · parts + part of 32 invocations takes tokens part · 8 … + 7; those after the last take part in the
// barriers only.

const TOKENS = 8u;
const WIDTH = 32u; // software adapters take long to switch between more at a barrier

var<workgroup> partial: array<vec2f, TOKENS * WIDTH>;
var<workgroup> of_token: array<vec3f, TOKENS>;

// Where nothing should be, anything is wholly wrong.
fn relative(squares: vec2f) -> f32 {
  if (squares.y == 0.0) {
    return select(1.0, 0.0, squares.x == 0.0);
  }
  return squares.x / squares.y;
}

@compute @workgroup_size(WIDTH)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) counts: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = flat_workgroup(group, counts);
  let row = index / s.parts;
  let first = (index % s.parts) * TOKENS;
  let count = select(0u, min(TOKENS, s.length - first), row < s.rows);
  for (var token = 0u; token < count; token++) {
    let start = (row * s.length + first + token) * s.hidden;
    var squares = vec2f();
    for (var i = lane; i < s.hidden; i += WIDTH) {
      let expected = reference[start + i];
      let error = y[start + i] - expected;
      squares += vec2f(error * error, expected * expected);
    }
    partial[token * WIDTH + lane] = squares;
  }
  workgroupBarrier();
  if (lane < count) {
    var squares = vec2f();
    for (var i = 0u; i < WIDTH; i++) {
      squares += partial[lane * WIDTH + i];
    }
    of_token[lane] = vec3f(relative(squares), squares);
  }
  workgroupBarrier();
  if (lane == 0u && row < s.rows) {
    var total = vec3f();
    for (var token = 0u; token < count; token++) {
      total += of_token[token];
    }
    sums[index * 3u] = total.x;
    sums[index * 3u + 1u] = total.y;
    sums[index * 3u + 2u] = total.z;
  }
}

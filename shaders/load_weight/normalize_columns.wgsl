// w[:, j] ← w[:, j] / max(|w[:, j]|, least), with least = 1e-12, so that columns of zeros stay.
//
// w : (k, n) f32
// One invocation takes one column; neighbours read neighbours.

const LEAST = 1e-12;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let column = id.x;
  if (column >= s.n) {
    return;
  }
  var squares = 0.0;
  for (var i = 0u; i < s.k; i++) {
    let value = w[i * s.n + column];
    squares += value * value;
  }
  let length = max(sqrt(squares), LEAST);
  for (var i = 0u; i < s.k; i++) {
    w[i * s.n + column] /= length;
  }
}

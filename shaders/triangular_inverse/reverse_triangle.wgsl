// U[k−1−i, k−1−j] = X[i, j]: a lower triangular matrix with its rows and columns reversed, an upper one.
//
// x : (k, k) f32, zero above the diagonal within its diagonal blocks of 32; what is right of them is not read.
// u : (k, k) f32, all of it written   row-major, k a multiple of 32. One workgroup takes 256 elements of a row.

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let k4 = s.k / 4u;
  let row = id.y;
  let part = id.x; // of a row
  if (part >= k4) {
    return;
  }
  var value = vec4f();
  if (part / 8u >= row / 32u) {
    value = x[(s.k - 1u - row) * k4 + k4 - 1u - part].wzyx;
  }
  u[row * k4 + part] = value;
}

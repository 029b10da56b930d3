// y[i, toColumn+j] = x[i, fromColumn+j], j < columns.
//
// x : (rows, fromWidth) f32   y : (rows, toWidth) f32; widths, starts and columns are multiples of 4.
// Workgroup (columns, row) of 64 invocations; one invocation takes four elements.

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < s.columns / 4u) {
    y[(id.y * s.toWidth + s.toColumn) / 4u + id.x] = x[(id.y * s.fromWidth + s.fromColumn) / 4u + id.x];
  }
}

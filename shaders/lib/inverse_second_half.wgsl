// Where the second half of a step reads and writes: B = −C⁻¹·T, left factor C⁻¹ and B in `left`, right factor T in `right`.

fn right_at(t: u32, _a_start: u32, column: u32) -> u32 {
  return ((t - s.rightFirst) * s.side + column) / 4u;
}

fn sum_at(row: u32, a_start: u32, column: u32) -> u32 {
  return ((row - s.first) * s.end + a_start + column) / 4u;
}

fn load_sum(at: u32) -> vec4f {
  return -left[at];
}

fn store_sum(at: u32, value: vec4f) {
  left[at] = -value;
}

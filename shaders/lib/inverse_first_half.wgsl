// Where the first half of a step reads and writes: T = B·A⁻¹, left factor B in `left`, right factor A⁻¹ in `right`.

fn right_at(t: u32, a_start: u32, column: u32) -> u32 {
  return ((t - s.rightFirst) * s.rightEnd + a_start + column) / 4u;
}

fn sum_at(row: u32, _a_start: u32, column: u32) -> u32 {
  return ((row - s.first) * s.side + column) / 4u;
}

fn load_sum(at: u32) -> vec4f {
  return product[at];
}

fn store_sum(at: u32, value: vec4f) {
  product[at] = value;
}

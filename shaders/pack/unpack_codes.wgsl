// The inverse of pack_codes: four codes of a column from the bit stream of their group.
//
// packed : (packed rows, n) u32, q_weight   rows : (k) u32, group · 16 + bits of each row
// first : (groups, 2) u32, first row and first packed row   codes : (k/4, n) u32, four rows to a word, a byte each
// Workgroup (columns, k/4) of 64 invocations; one invocation makes one word of codes.

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let column = group.x * 64u + lane;
  if (column >= s.n) {
    return;
  }
  let info = rows[group.y * 4u];
  let bits = info % 16u;
  let start = first[info / 16u];
  var word = 0u;
  for (var i = 0u; i < 4u; i++) {
    let bit = (group.y * 4u + i - start.x) * bits;
    let at = (start.y + bit / 32u) * s.n + column;
    var code = packed[at] >> (bit % 32u);
    if (bit % 32u + bits > 32u) {
      code |= packed[at + s.n] << (32u - bit % 32u);
    }
    word |= (code & ((1u << bits) - 1u)) << (i * 8u);
  }
  codes[group.y * s.n + column] = word;
}

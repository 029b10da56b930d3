// EXL2 bit streams: down each column of a group the codes follow each other in b bits, low bits first, in u32 words.
//
// codes : (k/4, n) u32, four rows to a word, a byte each   packed : (packed rows, n) u32, q_weight
// words : (packed rows, 4) u32, first row of the group, word's number in the group, bits, rows in the group
// Workgroup (columns, packed row) of 64 invocations; one invocation makes one word.

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let column = group.x * 64u + lane;
  if (column >= s.n) {
    return;
  }
  let word = words[group.y];
  let bits = word.z;
  let first_bit = word.y * 32u;
  var value = 0u;
  let last = min((first_bit + 31u) / bits, word.w - 1u);
  for (var i = first_bit / bits; i <= last; i++) {
    let row = word.x + i;
    let code = (codes[row / 4u * s.n + column] >> (row % 4u * 8u)) & 0xffu;
    let at = i * bits;
    if (at >= first_bit) {
      value |= code << (at - first_bit);
    } else {
      value |= code >> (first_bit - at);
    }
  }
  packed[group.y * s.n + column] = value;
}

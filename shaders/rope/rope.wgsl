// Rotary position embedding, in place: (x, y) ← (x·cos − y·sin, y·cos + x·sin) on pairs of dimensions of each head.
//
// x : (tokens, heads · d) f32, queries or keys of rows of `length` tokens, each from position `past` on
// cosine, sine : (past + length, rotated/2) f32
// rotated : leading dimensions of each head that turn   pairs : 0 dimensions (i, i + rotated/2), 1 (2i, 2i + 1)
// One invocation rotates one pair.

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) counts: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = flat_workgroup(group, counts) * 64u + lane;
  let half = s.rotated / 2u;
  let token = index / (s.heads * half);
  if (token >= s.tokens) {
    return;
  }
  let head = (index / half) % s.heads;
  let frequency = index % half;
  let neighbours = s.pairs == 1u;
  let first = (token * s.heads + head) * s.d + select(frequency, frequency * 2u, neighbours);
  let second = first + select(half, 1u, neighbours);
  let angle = (s.past + token % s.length) * half + frequency;
  let a = x[first];
  let b = x[second];
  x[first] = a * cosine[angle] - b * sine[angle];
  x[second] = b * cosine[angle] + a * sine[angle];
}

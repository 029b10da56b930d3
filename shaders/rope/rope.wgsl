// Rotary position embedding, in place: (x, y) ← (x·cos − y·sin, y·cos + x·sin) on dimensions (i, i + d/2) of each head.
//
// x : (tokens, heads · d) f32, queries or keys of rows of `length` tokens, each from position `past` on
// cosine, sine : (past + length, d/2) f32
// One invocation rotates one pair.

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) counts: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = flat_workgroup(group, counts) * 64u + lane;
  let half = s.d / 2u;
  let token = index / (s.heads * half);
  if (token >= s.tokens) {
    return;
  }
  let head = (index / half) % s.heads;
  let frequency = index % half;
  let at = (token * s.heads + head) * s.d + frequency;
  let angle = (s.past + token % s.length) * half + frequency;
  let a = x[at];
  let b = x[at + half];
  x[at] = a * cosine[angle] - b * sine[angle];
  x[at + half] = b * cosine[angle] + a * sine[angle];
}

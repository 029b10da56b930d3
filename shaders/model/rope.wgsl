// Rotary position embedding, in place: (x, y) ← (x·cos − y·sin, y·cos + x·sin) on dimensions (i, i + d/2) of each head.
//
// x : (rows · length, heads · d) f32, calibration rows after each other   cosine, sine : (past + length, d/2) f32
// One invocation rotates one pair.

struct Scalars {
  tokens: u32, // rows · length
  length: u32, // tokens of one calibration row; positions start again in each
  heads: u32,
  d: u32, // elements of a head
  past: u32, // position of a row's first token
}

@group(0) @binding(0) var<uniform> s: Scalars;
@group(0) @binding(1) var<storage, read> cosine: array<f32>; // by position and frequency
@group(0) @binding(2) var<storage, read> sine: array<f32>; // likewise
@group(0) @binding(3) var<storage, read_write> x: array<f32>; // queries or keys

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

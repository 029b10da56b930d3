// Negative log-likelihood of a target under each row of logits: log Σ_j exp(logit[j]) − logit[target].
//
// logits : (m, n) f32, of which the first `vocabulary` columns count   targets : (m) u32   loss : (m) f32
// One workgroup of 64 invocations takes one row.

struct Scalars {
  m: u32,
  n: u32,
  vocabulary: u32,
}

@group(0) @binding(0) var<uniform> s: Scalars;
@group(0) @binding(1) var<storage, read> logits: array<f32>; // scores
@group(0) @binding(2) var<storage, read> targets: array<u32>; // token that came next
@group(0) @binding(3) var<storage, read_write> loss: array<f32>; // nats

const WIDTH = 64u;

var<workgroup> partial: array<f32, 64>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) counts: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = min(flat_workgroup(group, counts), s.m - 1u);
  let start = row * s.n;
  var highest = logits[start];
  for (var i = lane; i < s.vocabulary; i += WIDTH) {
    highest = max(highest, logits[start + i]);
  }
  partial[lane] = highest;
  workgroupBarrier();
  for (var i = 0u; i < WIDTH; i++) {
    highest = max(highest, partial[i]);
  }
  workgroupBarrier();
  var sum = 0.0;
  for (var i = lane; i < s.vocabulary; i += WIDTH) {
    sum += exp(logits[start + i] - highest);
  }
  partial[lane] = sum;
  workgroupBarrier();
  if (lane == 0u) {
    var total = 0.0;
    for (var i = 0u; i < WIDTH; i++) {
      total += partial[i];
    }
    loss[row] = log(total) + highest - logits[start + targets[row]];
  }
}

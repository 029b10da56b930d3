// What a slice of the vocabulary adds to the log-likelihood of a target: for each row of logits
//   stats = (maximum, Σ_j exp(logit[j] − maximum), logit[target − first] or 0 where the target is in another slice)
// so that −log p = log Σ_slices sum · exp(maximum − M) + M − logit[target], M the largest maximum.
//
// logits : (m, n) f32, of which `count` columns count; `first` is the word of the first one
// targets : (m) u32, word that came next   stats : (m, 3) f32
// One workgroup of 64 invocations takes one row.

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
  for (var i = lane; i < s.count; i += WIDTH) {
    highest = max(highest, logits[start + i]);
  }
  partial[lane] = highest;
  workgroupBarrier();
  for (var i = 0u; i < WIDTH; i++) {
    highest = max(highest, partial[i]);
  }
  workgroupBarrier();
  var sum = 0.0;
  for (var i = lane; i < s.count; i += WIDTH) {
    sum += exp(logits[start + i] - highest);
  }
  partial[lane] = sum;
  workgroupBarrier();
  if (lane == 0u) {
    var total = 0.0;
    for (var i = 0u; i < WIDTH; i++) {
      total += partial[i];
    }
    let word = targets[row] - s.first;
    stats[row * 3u] = highest;
    stats[row * 3u + 1u] = total;
    stats[row * 3u + 2u] = select(0.0, logits[start + min(word, s.n - 1u)], word < s.count);
  }
}

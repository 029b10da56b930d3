// The experts of each token: the largest of softmax(logits), the first of equal ones first, with their probabilities.
// Needs lib/flat.wgsl.
//
// logits : (tokens, columns) f32, of which the first `experts` columns count
// chosen : (tokens, perToken) u32   weights : (tokens, perToken) f32, divided by their sum where normalized is 1
// One invocation takes one token.

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) counts: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let token = flat_workgroup(group, counts) * 64u + lane;
  if (token >= s.tokens) {
    return;
  }
  let row = token * s.columns;
  let own = token * s.perToken;
  var largest = logits[row];
  for (var e = 1u; e < s.experts; e++) {
    largest = max(largest, logits[row + e]);
  }
  var all = 0.0;
  for (var e = 0u; e < s.experts; e++) {
    all += exp(logits[row + e] - largest);
  }
  // Each next one is the largest of those that come after the last one in falling order.
  var last = 0u;
  var taken = 0.0;
  for (var i = 0u; i < s.perToken; i++) {
    var best = s.experts;
    for (var e = 0u; e < s.experts; e++) {
      let after = i == 0u || logits[row + e] < logits[row + last] || (logits[row + e] == logits[row + last] && e > last);
      if (after && (best == s.experts || logits[row + e] > logits[row + best])) {
        best = e;
      }
    }
    last = min(best, s.experts - 1u); // NaN compares with nothing
    let weight = exp(logits[row + last] - largest) / all;
    chosen[own + i] = last;
    weights[own + i] = weight;
    taken += weight;
  }
  if (s.normalized == 1u) {
    for (var i = 0u; i < s.perToken; i++) {
      weights[own + i] /= taken;
    }
  }
}

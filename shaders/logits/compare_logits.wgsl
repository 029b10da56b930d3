// What a slice of the vocabulary adds to the comparison of two models' next words. With a the reference's logits of a
// row, b the other's, A and B their maxima in the slice, stats are
//   A, Σ exp(a − A), a[target], argmax a, B, Σ exp(b − B), b[target], argmax b, Σ exp(a − A)·((a − A) − (b − B))
// with a[target] = b[target] = 0 where the target is in another slice; the least index of equal maxima.
//
// a, b : (m, n) f32, of which `count` columns count; `first` is the word of the first one
// targets : (m) u32, word that came next   stats : (m, 9) f32
// One workgroup of 64 invocations takes one row. Indices count from the slice's first column and are exact below 2²⁴.

const WIDTH = 64u;

var<workgroup> maxima: array<vec2f, 64>;
var<workgroup> places: array<vec2u, 64>;
var<workgroup> sums: array<vec3f, 64>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) counts: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = min(flat_workgroup(group, counts), s.m - 1u);
  let start = row * s.n;
  let own = min(lane, s.count - 1u);
  var highest = vec2f(a[start + own], b[start + own]);
  var place = vec2u(own);
  for (var i = lane + WIDTH; i < s.count; i += WIDTH) {
    let value = vec2f(a[start + i], b[start + i]);
    place = select(place, vec2u(i), value > highest);
    highest = max(highest, value);
  }
  maxima[lane] = highest;
  places[lane] = place;
  workgroupBarrier();
  for (var i = 0u; i < WIDTH; i++) {
    let value = maxima[i];
    let wins = (value > highest) | ((value == highest) & (places[i] < place));
    place = select(place, places[i], wins);
    highest = max(highest, value);
  }
  var sum = vec3f();
  for (var i = lane; i < s.count; i += WIDTH) {
    let below = vec2f(a[start + i], b[start + i]) - highest;
    let weight = exp(below);
    sum += vec3f(weight, weight.x * (below.x - below.y));
  }
  sums[lane] = sum;
  workgroupBarrier();
  if (lane == 0u) {
    var total = vec3f();
    for (var i = 0u; i < WIDTH; i++) {
      total += sums[i];
    }
    let word = targets[row] - s.first;
    let target_at = start + min(word, s.n - 1u);
    let has_target = word < s.count;
    let at = row * 9u;
    stats[at] = highest.x;
    stats[at + 1u] = total.x;
    stats[at + 2u] = select(0.0, a[target_at], has_target);
    stats[at + 3u] = f32(place.x);
    stats[at + 4u] = highest.y;
    stats[at + 5u] = total.y;
    stats[at + 6u] = select(0.0, b[target_at], has_target);
    stats[at + 7u] = f32(place.y);
    stats[at + 8u] = total.z;
  }
}

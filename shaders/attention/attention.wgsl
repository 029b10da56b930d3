// Causal attention with grouped key/value heads, softmax computed while keys stream by:
//   o[i] = Σ_j softmax_j(scale · q[i]·k[j]) · v[j],   i − window < j ≤ i within one calibration row.
// Queries are those of a row's last `length` positions; its keys and values have `past` positions before.
//
// q, o : (rows · length, heads · d) f32   k, v : (rows · (past + length), kvHeads · d) f32   d a multiple of 4.
// window : keys that a query sees, itself included; length or more: all before it
// scale : 1 / sqrt(d), or what the model asks for   softcap : scores become softcap·tanh(score/softcap); 0: they stay
// Workgroup (block, head, row) of 32 invocations makes 8 queries. For each tile of 64 keys every invocation scores
// two neighbouring keys against the 8 queries; then each owns four dimensions, d/4 apart, of the first d/4, and adds the
// tile's weighted values to what o holds of them. Invocations whose keys no query sees, and those that own no dimension,
// skip the loops, which software adapters thank.

const WIDTH = 32u;
const QUERIES = 8u;
const KEYS = 64u;
const LOWEST = -3.4e38;

var<workgroup> scores: array<array<f32, 8>, 64>; // (key, query); then the weights exp(score − maximum)
var<workgroup> maximum: array<f32, 8>;
var<workgroup> total: array<f32, 8>;
var<workgroup> rescale: array<f32, 8>; // of what was summed before this tile

// Takes the first `keys` scores of this tile of one query into its running maximum and total; leaves weights in their place.
fn absorb(query: u32, keys: u32) {
  var highest = maximum[query];
  for (var j = 0u; j < keys; j++) {
    highest = max(highest, scores[j][query]);
  }
  let shrink = select(exp(maximum[query] - highest), 0.0, maximum[query] == LOWEST);
  var sum = total[query] * shrink;
  for (var j = 0u; j < keys; j++) {
    let score = scores[j][query];
    let weight = select(exp(score - highest), 0.0, score == LOWEST);
    scores[j][query] = weight;
    sum += weight;
  }
  maximum[query] = highest;
  total[query] = sum;
  rescale[query] = shrink;
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let first_query = group.x * QUERIES;
  let row = group.z * s.length;
  let keys_length = s.past + s.length;
  let key_row = group.z * keys_length;
  let head = group.y;
  let kv_head = head / (s.heads / s.kvHeads);
  let d4 = s.d / 4u;
  if (lane < QUERIES) {
    maximum[lane] = LOWEST;
    total[lane] = 0.0;
  }
  #repeat i 0 1 2 3 4 5 6 7
  let query$i = min(first_query + $iu, s.length - 1u);
  let at$i = ((row + query$i) * s.heads + head) * d4;
  let position$i = s.past + query$i;
  #end
  let queries = min(QUERIES, s.length - first_query);
  let first_position = s.past + first_query;
  let last_key = min(first_position + QUERIES, keys_length);
  let first_key = select(0u, first_position + 1u - s.window, first_position + 1u > s.window);
  let first_tile = first_key / KEYS * KEYS;
  for (var tile = first_tile; tile < last_key; tile += KEYS) {
    let keys = min(KEYS, last_key - tile);
    #repeat h 0 1
    let key$h = tile + lane * 2u + $hu;
    let k_at$h = ((key_row + min(key$h, keys_length - 1u)) * s.kvHeads + kv_head) * d4;
    #repeat i 0 1 2 3 4 5 6 7
    var dot$h_$i = 0.0;
    #end
    #end
    let parts = select(0u, d4, lane * 2u < keys);
    for (var part = 0u; part < parts; part++) {
      let k0 = k[k_at0 + part];
      let k1 = k[k_at1 + part];
      #repeat i 0 1 2 3 4 5 6 7
      {
        let query = q[at$i + part];
        dot0_$i += dot(query, k0);
        dot1_$i += dot(query, k1);
      }
      #end
    }
    workgroupBarrier();
    #repeat h 0 1
    #repeat i 0 1 2 3 4 5 6 7
    {
      var score = dot$h_$i * s.scale;
      if (s.softcap > 0.0) {
        score = softcap_f32(score);
      }
      scores[lane * 2u + $hu][$i] = select(LOWEST, score, key$h <= position$i && position$i - key$h < s.window);
    }
    #end
    #end
    workgroupBarrier();
    if (lane < QUERIES) {
      absorb(lane, keys);
    }
    workgroupBarrier();
    #repeat i 0 1 2 3 4 5 6 7
    let divisor$i = select(1.0, total[$i], tile + KEYS >= last_key);
    #end
    for (var dimension = lane; dimension < d4; dimension += WIDTH) {
      #repeat i 0 1 2 3 4 5 6 7
      #repeat j 0 1 2 3
      var out$i_$j = 0.0;
      #end
      #end
      var v_at = ((key_row + tile) * s.kvHeads + kv_head) * s.d + dimension;
      let stride = s.kvHeads * s.d;
      for (var key = 0u; key < keys; key++) {
        #repeat j 0 1 2 3
        let v$j = v[v_at + $ju * d4];
        #end
        #repeat i 0 1 2 3 4 5 6 7
        {
          let weight = scores[key][$i];
          #repeat j 0 1 2 3
          out$i_$j += weight * v$j;
          #end
        }
        #end
        v_at += stride;
      }
      #repeat i 0 1 2 3 4 5 6 7
      if ($iu < queries) {
        #repeat j 0 1 2 3
        {
          let o_at = at$i * 4u + $ju * d4 + dimension;
          let before = select(o[o_at] * rescale[$i], 0.0, tile == first_tile);
          o[o_at] = (before + out$i_$j) / divisor$i;
        }
        #end
      }
      #end
    }
  }
}

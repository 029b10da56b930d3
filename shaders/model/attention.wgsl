// Causal attention with grouped key/value heads, softmax computed while keys stream by:
//   o[i] = Σ_j softmax_j(q[i]·k[j] / sqrt(d)) · v[j],   i − window < j ≤ i within one calibration row.
// Queries are those of a row's last `length` positions; its keys and values have `past` positions before.
//
// q, o : (rows · length, heads · d) f32   k, v : (rows · (past + length), kv_heads · d) f32   d a multiple of 4, at most
// 256.
// Workgroup (block, head, row) of 64 invocations makes 8 queries. For each tile of 64 keys every invocation scores
// one key against the 8 queries; then each owns dimensions lane, lane + 64, … and adds the tile's weighted values.

struct Scalars {
  length: u32, // queries of one row
  heads: u32,
  kv_heads: u32,
  d: u32, // elements of a head
  window: u32, // keys that a query sees, itself included; length or more: all before it
  scale: f32, // 1 / sqrt(d), or what the model asks for
  past: u32, // keys of one row before its first query's
}

@group(0) @binding(0) var<uniform> s: Scalars;
@group(0) @binding(1) var<storage, read> q: array<vec4f>; // queries, vec4 along d
@group(0) @binding(2) var<storage, read> k: array<vec4f>; // keys, vec4 along d
@group(0) @binding(3) var<storage, read> v: array<f32>; // values
@group(0) @binding(4) var<storage, read_write> o: array<f32>; // weighted values

const QUERIES = 8u;
const KEYS = 64u;
const LOWEST = -3.4e38;

var<workgroup> scores: array<array<f32, 64>, 8>; // then the weights exp(score − maximum)
var<workgroup> maximum: array<f32, 8>;
var<workgroup> total: array<f32, 8>;
var<workgroup> rescale: array<f32, 8>; // of what was summed before this tile

// Takes this tile's scores of one query into its running maximum and total; leaves weights in their place.
fn absorb(query: u32) {
  var highest = maximum[query];
  for (var j = 0u; j < KEYS; j++) {
    highest = max(highest, scores[query][j]);
  }
  let shrink = select(exp(maximum[query] - highest), 0.0, maximum[query] == LOWEST);
  var sum = total[query] * shrink;
  for (var j = 0u; j < KEYS; j++) {
    let score = scores[query][j];
    let weight = select(exp(score - highest), 0.0, score == LOWEST);
    scores[query][j] = weight;
    sum += weight;
  }
  maximum[query] = highest;
  total[query] = sum;
  rescale[query] = shrink;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let first_query = group.x * QUERIES;
  let row = group.z * s.length;
  let keys_length = s.past + s.length;
  let key_row = group.z * keys_length;
  let head = group.y;
  let kv_head = head / (s.heads / s.kv_heads);
  let d4 = s.d / 4u;
  if (lane < QUERIES) {
    maximum[lane] = LOWEST;
    total[lane] = 0.0;
  }
  #repeat i 0 1 2 3 4 5 6 7
  let query$i = min(first_query + $iu, s.length - 1u);
  let q_at$i = ((row + query$i) * s.heads + head) * d4;
  #repeat j 0 1 2 3
  var out_$i_$j = 0.0;
  #end
  #end
  let first_position = s.past + first_query;
  let last_key = min(first_position + QUERIES, keys_length);
  let first_key = select(0u, first_position + 1u - s.window, first_position + 1u > s.window);
  for (var tile = first_key / KEYS * KEYS; tile < last_key; tile += KEYS) {
    let key = tile + lane;
    let k_at = ((key_row + min(key, keys_length - 1u)) * s.kv_heads + kv_head) * d4;
    #repeat i 0 1 2 3 4 5 6 7
    var dot$i = 0.0;
    #end
    for (var part = 0u; part < d4; part++) {
      let key_part = k[k_at + part];
      #repeat i 0 1 2 3 4 5 6 7
      dot$i += dot(q[q_at$i + part], key_part);
      #end
    }
    workgroupBarrier();
    #repeat i 0 1 2 3 4 5 6 7
    scores[$i][lane] = select(LOWEST, dot$i * s.scale, key <= s.past + query$i && s.past + query$i - key < s.window);
    #end
    workgroupBarrier();
    if (lane < QUERIES) {
      absorb(lane);
    }
    workgroupBarrier();
    #repeat i 0 1 2 3 4 5 6 7
    #repeat j 0 1 2 3
    out_$i_$j *= rescale[$i];
    #end
    #end
    let keys = min(KEYS, last_key - tile);
    for (var j = 0u; j < keys; j++) {
      let v_at = ((key_row + tile + j) * s.kv_heads + kv_head) * s.d + lane;
      #repeat j 0 1 2 3
      if ($ju * 64u + lane < s.d) {
        let value = v[v_at + $ju * 64u];
        #repeat i 0 1 2 3 4 5 6 7
        out_$i_$j += scores[$i][j] * value;
        #end
      }
      #end
    }
  }
  #repeat i 0 1 2 3 4 5 6 7
  if (first_query + $iu < s.length) {
    let o_at = ((row + query$i) * s.heads + head) * s.d + lane;
    #repeat j 0 1 2 3
    if ($ju * 64u + lane < s.d) {
      o[o_at + $ju * 64u] = out_$i_$j / total[$i];
    }
    #end
  }
  #end
}

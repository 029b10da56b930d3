// Causal attention: attention.wgsl, which tells what it is, for adapters with fast workgroup memory and many queries.
//
// Tensors and scalars as there. COLUMN_PARTS : vec4s of d that an invocation owns; d is at most 64 times as many.
// Workgroup (head, row, block) of 256 invocations makes 64 queries; the last blocks, which see most keys, come first. For
// each tile of 64 keys, and 32 elements of d at a time, queries and keys are staged in workgroup memory and multiplied,
// 4 × 4 an invocation; then the weights take that memory, and each invocation adds up 4 queries of its columns of V.
//
// Invocation (a, b), a and b below 16, owns queries a, a + 16, a + 32, a + 48 of the block, as the parts of a vec4; keys
// b, b + 16 … of the tile; and the vec4s b, b + 16 … of d. A subgroup of 32 covers 8 × 4 of these pairs.

const TILE = 64u; // queries, and keys
const CHUNK4 = 8u; // vec4s along d that are staged at a time
const LOG2_E = 1.4426950408889634;
// A key that is not seen weighs exp2(HIDDEN − maximum) = 0, also where the maximum still is what it starts with.
const HIDDEN = -2e30;
const START = -1e30;

// In turn: 64 queries, then 64 keys, of 8 vec4s each, vec4 number i of row r at r · 8 + (i ^ r % 8), so that neighbours
// in a column lie in different banks; (16, 16) maxima or sums: b, a; (64, 16) weights: key, a. In three dimensions, because
// an index that is the same for several reads is checked once, and a constant one never.
var<workgroup> memory: array<array<array<vec4f, 16>, 8>, 8>;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let a = lane % 8u + lane / 32u % 2u * 8u;
  let b = lane / 8u % 4u + lane / 64u * 4u;
  let first_query = (groups.z - 1u - group.z) * TILE;
  let keys_length = s.past + s.length;
  let key_row = group.y * keys_length;
  let head = group.x;
  let kv_head = head / (s.heads / s.kvHeads);
  let d4 = s.d / 4u;

  // Staging: this invocation takes vec4 number `part` of two queries and of two keys.
  let part = lane % CHUNK4;
  let stage_row = lane / CHUNK4;
  let stage_slab = stage_row / 16u;
  let stage_line = stage_row % 16u / 2u;
  let stage_at = stage_row % 2u * CHUNK4 + (part ^ (stage_row % 8u));
  #repeat i 0 1
  let query$i = group.y * s.length + min(first_query + stage_row + $iu * 32u, s.length - 1u);
  let q_at$i = (query$i * s.heads + head) * d4 + part;
  var next_q$i: vec4f;
  var next_k$i: vec4f;
  #end

  #repeat p 0 1 2 3
  let column$p = min(b + $pu * 16u, d4 - 1u);
  #repeat c 0 1 2 3
  var out_$p_$c = vec4f();
  #end
  #end
  var maximum = vec4f(START);
  var total = vec4f(); // of this invocation's keys

  let first_position = s.past + first_query;
  let position = vec4u(first_position + a) + vec4u(0u, 16u, 32u, 48u);
  let last_key = min(first_position + TILE, keys_length);
  let first_key = select(0u, first_position + 1u - s.window, first_position + 1u > s.window);
  for (var tile = first_key / TILE * TILE; tile < last_key; tile += TILE) {
    #repeat i 0 1
    let key$i = key_row + min(tile + stage_row + $iu * 32u, keys_length - 1u);
    let k_at$i = (key$i * s.kvHeads + kv_head) * d4 + part;
    #end
    #repeat j 0 1 2 3
    var score$j = vec4f(); // q·k of key number j and the four queries, later their weights
    #end
    #repeat i 0 1
    next_q$i = vec4f();
    next_k$i = vec4f();
    if (part < d4) {
      next_q$i = q[q_at$i];
      next_k$i = k[k_at$i];
    }
    #end
    for (var chunk = 0u; chunk < d4; chunk += CHUNK4) {
      workgroupBarrier();
      #repeat i 0 1
      memory[stage_slab + $iu * 2u][stage_line][stage_at] = next_q$i;
      memory[stage_slab + $iu * 2u + 4u][stage_line][stage_at] = next_k$i;
      #end
      workgroupBarrier();
      let next = chunk + CHUNK4;
      #repeat i 0 1
      next_q$i = vec4f();
      next_k$i = vec4f();
      if (next + part < d4) {
        next_q$i = q[q_at$i + next];
        next_k$i = k[k_at$i + next];
      }
      #end
      for (var t = 0u; t < CHUNK4; t++) {
        let q_from = a % 2u * CHUNK4 + (t ^ (a % 8u));
        let k_from = b % 2u * CHUNK4 + (t ^ (b % 8u));
        #repeat i 0 1 2 3
        let q$i = memory[$i][a / 2u][q_from];
        #end
        #repeat j 0 1 2 3
        let k$j = memory[4 + $j][b / 2u][k_from];
        #repeat c x y z w
        score$j += vec4f(q0.$c, q1.$c, q2.$c, q3.$c) * k$j.$c;
        #end
        #end
      }
    }
    if (s.softcap > 0.0) {
      #repeat j 0 1 2 3
      score$j = softcap_vec4f(score$j * s.scale);
      #end
    }
    let seen_by_all = tile + TILE <= first_position + 1u && first_position + TILE - 1u - tile < s.window;
    #repeat j 0 1 2 3
    if (!seen_by_all) {
      let key = vec4u(tile + b + $ju * 16u);
      score$j = select(vec4f(HIDDEN), score$j, (key <= position) & (position - key < vec4u(s.window)));
    }
    #end
    // The block's new maxima, from those of all invocations that share these queries.
    var highest = max(max(score0, score1), max(score2, score3));
    workgroupBarrier();
    memory[b / 8u][b % 8u][a] = highest;
    workgroupBarrier();
    highest = maximum;
    for (var i = 0u; i < 16u; i++) {
      highest = max(highest, memory[i / 8u][i % 8u][a]);
    }
    workgroupBarrier();
    // Scaled after the subtraction, which rounds large scores less; capped ones are scaled already.
    let factor = select(s.scale, 1.0, s.softcap > 0.0) * LOG2_E;
    let shrink = exp2((maximum - highest) * factor);
    maximum = highest;
    #repeat j 0 1 2 3
    score$j = exp2((score$j - highest) * factor);
    memory[b / 8u + $ju * 2u][b % 8u][a] = score$j;
    #end
    total = total * shrink + (score0 + score1 + score2 + score3);
    workgroupBarrier();
    #repeat p 0 1 2 3
    if (COLUMN_PARTS > $pu) {
      #repeat c 0 1 2 3
      out_$p_$c *= shrink;
      #end
    }
    #end
    // Four keys at a time; those after the last one weigh nothing.
    for (var j = 0u; j < min(TILE, last_key - tile); j += 4u) {
      #repeat n 0 1 2 3
      {
        let weight = memory[j / 8u][j % 8u + $nu][a];
        let v_at = ((key_row + min(tile + j + $nu, last_key - 1u)) * s.kvHeads + kv_head) * d4;
        #repeat p 0 1 2 3
        if (COLUMN_PARTS > $pu) {
          let value = v[v_at + column$p];
          #repeat c 0 1 2 3
          out_$p_$c += weight * value[$c];
          #end
        }
        #end
      }
      #end
    }
  }
  workgroupBarrier();
  memory[b / 8u][b % 8u][a] = total;
  workgroupBarrier();
  total = vec4f();
  for (var i = 0u; i < 16u; i++) {
    total += memory[i / 8u][i % 8u][a];
  }
  #repeat i 0 1 2 3
  {
    let query = first_query + a + $iu * 16u;
    let o_at = ((group.y * s.length + query) * s.heads + head) * d4 + b;
    if (query < s.length) {
      #repeat p 0 1 2 3
      if (COLUMN_PARTS > $pu && b + $pu * 16u < d4) {
        o[o_at + $pu * 16u] = vec4f(out_$p_0[$i], out_$p_1[$i], out_$p_2[$i], out_$p_3[$i]) / total[$i];
      }
      #end
    }
  }
  #end
}

// p[a, b] += Σ |h[i, j]| over block (a, b) of a symmetric matrix (k, k), from a panel of its rows; side · side blocks, of
// which a takes rows floor(a·k / side) … floor((a+1)·k / side) − 1.
//
// h : (rows, start+rows) f32, lower   p : (side, side) f32, blocks b ≤ a only
// Workgroup (b, a) of 32 invocations takes one block; those right of the diagonal take part in nothing.

const WIDTH = 32u; // software adapters take long to switch between more at a barrier

var<workgroup> partial: array<f32, WIDTH>;

fn edge(block: u32) -> u32 {
  return block * s.k / s.side;
}

@compute @workgroup_size(WIDTH)
fn main(@builtin(workgroup_id) block: vec3u, @builtin(local_invocation_index) lane: u32) {
  if (block.x > block.y) {
    return;
  }
  let end = s.start + s.rows;
  let first = max(s.start, edge(block.y));
  let last = max(first, min(end, edge(block.y + 1u)));
  let left = edge(block.x);
  let width = edge(block.x + 1u) - left;
  var sum = 0.0;
  for (var at = lane; at < (last - first) * width; at += WIDTH) {
    let i = first + at / width;
    let j = left + at % width;
    // A block on the diagonal has its other half above it.
    let times = select(1.0, 2.0, block.x == block.y && j < i);
    if (j <= i) {
      sum += times * abs(h[(i - s.start) * end + j]);
    }
  }
  partial[lane] = sum;
  workgroupBarrier();
  if (lane == 0u) {
    var total = 0.0;
    for (var i = 0u; i < WIDTH; i++) {
      total += partial[i];
    }
    p[block.y * s.side + block.x] += total;
  }
}

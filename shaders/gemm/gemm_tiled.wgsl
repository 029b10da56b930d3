// C = A·B, or C += A·B: gemm.wgsl for adapters with fast workgroup memory. Needs lib/tile.wgsl
// and lib/tile_product.wgsl.
//
// a : (m, k) f32   b : (k, n) f32   c : (m, n) f32   all row-major, n a multiple of 4, k of 8.
// A workgroup of 256 invocations makes a tile of 128 × 128. What lies past m or n is zero and not stored.

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  add_product(group.xy, lane, 0u, s.k);
  let n4 = s.n / 4u;
  let row = lane / 16u;
  let column = lane % 16u;
  let left = group.x * 32u + column;
  let first = group.y * 128u + row * 4u;
  #repeat i 0 1 2 3 4 5 6 7
  {
    let c_row = first + $iu % 4u + $iu / 4u * 64u;
    if (c_row < s.m) {
      let at = c_row * n4 + left;
      if (left < n4) {
        if (s.accumulate == 1u) {
          left$i += c[at];
        }
        c[at] = left$i;
      }
      if (left + 16u < n4) {
        if (s.accumulate == 1u) {
          right$i += c[at + 16u];
        }
        c[at + 16u] = right$i;
      }
    }
  }
  #end
}

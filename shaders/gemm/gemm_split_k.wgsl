// Split-k: C[p] = the part p of A·B that comes of the indices p·depth … of k. A product whose tiles are too few to keep a
// large GPU busy is made in parts that are summed afterwards (sum_parts.wgsl). Needs lib/tile.wgsl and
// lib/tile_product.wgsl.
//
// a : (m, k) f32   b : (k, n) f32   c : (parts, m, n) f32   all row-major, n a multiple of 4, k and depth of 8.
// The last part may have fewer indices.
// A workgroup (tile column, tile row, part) of 256 invocations makes a tile of 128 × 128.

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let first_index = group.z * s.depth;
  add_product(group.xy, lane, first_index, min(first_index + s.depth, s.k));
  let n4 = s.n / 4u;
  let left = group.x * 32u + lane % 16u;
  let first = group.y * 128u + lane / 16u * 4u;
  #repeat i 0 1 2 3 4 5 6 7
  {
    let c_row = first + $iu % 4u + $iu / 4u * 64u;
    if (c_row < s.m) {
      let at = (group.z * s.m + c_row) * n4 + left;
      if (left < n4) {
        c[at] = left$i;
      }
      if (left + 16u < n4) {
        c[at + 16u] = right$i;
      }
    }
  }
  #end
}

// Index of a workgroup in a grid that the host may have folded from one dimension into two.
fn flat_workgroup(id: vec3u, counts: vec3u) -> u32 {
  return id.x + id.y * counts.x;
}

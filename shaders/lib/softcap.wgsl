// softcap · tanh(x / softcap), of which s.softcap is more than 0.
//
// tanh by e^(−2|x|), which cannot overflow, and whose error is bounded: WGSL lets tanh err by 1e-5, times the cap.

#repeat type f32 vec4f
fn softcap_$type(x: $type) -> $type {
  let decay = exp(-2.0 * abs(x) / s.softcap);
  return s.softcap * sign(x) * (1.0 - decay) / (1.0 + decay);
}
#end

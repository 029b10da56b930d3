// f by s.activation: 0 silu, 1 gelu (erf), 2 gelu (tanh).

// erf by Abramowitz and Stegun 7.1.26, absolute error below 1.5e-7.
fn erf(x: f32) -> f32 {
  let t = 1.0 / (1.0 + 0.3275911 * abs(x));
  let poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return sign(x) * (1.0 - poly * exp(-x * x));
}

fn activate(x: f32) -> f32 {
  if (s.activation == 0u) {
    return x / (1.0 + exp(-x));
  }
  if (s.activation == 1u) {
    return 0.5 * x * (1.0 + erf(x * 0.7071067811865476));
  }
  // tanh overflows in some implementations for large arguments, where it is ±1 anyway.
  return 0.5 * x * (1.0 + tanh(clamp(0.7978845608028654 * (x + 0.044715 * x * x * x), -15.0, 15.0)));
}

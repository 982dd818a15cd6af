import LanternFormats

/// The settings that several classes share, and the rules for them.
extension SchedulerTable {
  static let zero = "rescale_betas_zero_snr"
  static let betas = [
    "num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas",
    "prediction_type",
  ]
  static let spacing = ["timestep_spacing", "steps_offset"]
  static let curves = ["use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas"]
  static let thresholds = [
    "thresholding", "dynamic_thresholding_ratio", "sample_max_value",
  ]
  static let clipped = thresholds + ["clip_sample", "clip_sample_range"]
  static let flows = ["use_flow_sigmas", "flow_shift"]
  static let shifts = ["use_dynamic_shifting", "time_shift_type"]
  static let ends = ["sigma_max", "sigma_min"]
  static let dpm = [
    "algorithm_type", "final_sigmas_type", "lambda_min_clipped", "lower_order_final",
    "solver_order", "solver_type", "variance_type",
  ]
  static let distillation = [
    "original_inference_steps", "set_alpha_to_one", "timestep_scaling", zero,
  ]
  static let edm = [
    "final_sigmas_type", "num_train_timesteps", "prediction_type", "rho", "sigma_data",
    "sigma_schedule",
  ]

  static let notOfSamples = SchedulerRow.Rule.own(
    "prediction_type", ["epsilon", "v_prediction"])
  static let orders = SchedulerRow.Rule.among("solver_order", [1, 2, 3])
  static let types = SchedulerRow.Rule.among(
    "solver_type", ["midpoint", "heun", "bh1", "bh2", "logrho"])
  static let wrongSign = SchedulerRow.Rule(
    key: "solver_order",
    kind: .note(
      "solver_order 3 with sde-dpmsolver++ is diffusers', which has a wrong sign in its last term; "
        + "the sampler dpm++3m_sde has it right"),
    holds: { has($0, "algorithm_type", ["sde-dpmsolver++"]) && has($0, "solver_order", [3]) })
  static let flow = SchedulerRow.Rule.among("use_flow_sigmas", [false])
  static let idleFlow = SchedulerRow.Rule.idle(
    "flow_shift", 1, when: { !has($0, "use_flow_sigmas", [true]) })
  static let idleRange = SchedulerRow.Rule.idle(
    "clip_sample_range", 1, when: { !has($0, "clip_sample", [true]) })
  static let thresholding: [SchedulerRow.Rule] = [
    .idle("dynamic_thresholding_ratio", 0.995, when: { !has($0, "thresholding", [true]) }),
    .idle("sample_max_value", 1, when: { !has($0, "thresholding", [true]) }),
  ]
  /// With `thresholding` the range is ignored.
  static let clipping =
    thresholding + [
      .idle(
        "clip_sample_range", 1,
        when: { has($0, "thresholding", [true]) || has($0, "clip_sample", [false]) })
    ]
  static let idleShifts: [SchedulerRow.Rule] = [
    idleFlow, .idle("use_dynamic_shifting", false), .idle("time_shift_type", "exponential"),
  ]
  static let idleEnds: [SchedulerRow.Rule] = ends.map { key in
    SchedulerRow.Rule.idle(
      key, .null, when: { config in !curves.contains { has(config, $0, [true]) } })
  }
  /// Timesteps are those of distillation, and the last step ends at the predicted clean latent.
  static let distilled: [SchedulerRow.Rule] = [
    .idle("timestep_spacing", "leading"), .idle("set_alpha_to_one", true),
  ]
  /// Diffusers takes three channels of such a model's prediction, however many it has.
  static let learned: [SchedulerRow.Rule] = [
    .among(
      "variance_type", [],
      when: {
        has($0, "variance_type", ["learned", "learned_range"])
          && !has($0, "prediction_type", ["v_prediction", "sample"])
      }),
    .idle("variance_type", .null),
  ]

  /// Data prediction, and noise prediction where the last step ends with noise.
  static func algorithms(_ ofNoise: [JSONValue]) -> [SchedulerRow.Rule] {
    let known: [JSONValue] = ["dpmsolver++", "sde-dpmsolver++", "deis"]
    return [
      .among("algorithm_type", known + ofNoise),
      .among("algorithm_type", known, when: { !has($0, "final_sigmas_type", ["sigma_min"]) }),
    ]
  }

  /// Whether the shift of a flow does not depend on the picture.
  @Sendable static func isFixed(_ config: Config) -> Bool {
    !has(config, "use_dynamic_shifting", [true])
  }

  /// Whether a setting has one of some values.
  @Sendable static func has(_ config: Config, _ key: String, _ values: [JSONValue]) -> Bool {
    config.value(key).map(values.contains) ?? false
  }
}

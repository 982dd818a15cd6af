import LanternFormats

/// A class of diffusers' schedulers: which settings it reads, which values Lantern does not have, and
/// which do nothing.
package struct SchedulerRow: Sendable {
  /// The class.
  package let name: String
  /// The settings that it knows; diffusers passes over others.
  package let keys: [String]
  let rules: [Rule]

  /// What is to be said of a setting.
  struct Rule: Sendable {
    let key: String
    let kind: Kind
    /// Whether the rule holds, by the other settings.
    let holds: @Sendable (Config) -> Bool
    /// Whether it is for files of this class alone: those of another, which this one is put in the
    /// place of, say it of their own solver.
    var isOfOwnFiles = false

    enum Kind: Sendable {
      /// Only these values are here, and the absent one.
      case among([JSONValue])
      /// It does nothing; of the standard value nothing is said.
      case idle(standard: JSONValue)
      /// It does what this line says.
      case told(String)
    }

    /// A setting of which Lantern has these values.
    static func among(
      _ key: String, _ values: [JSONValue],
      when holds: @escaping @Sendable (Config) -> Bool = always
    ) -> Rule { Rule(key: key, kind: .among(values), holds: holds) }

    /// A setting of which Lantern has these values in files of the class itself.
    static func own(_ key: String, _ values: [JSONValue]) -> Rule {
      Rule(key: key, kind: .among(values), holds: always, isOfOwnFiles: true)
    }

    /// A setting that does nothing.
    ///
    /// - Parameters:
    ///   - key: its name.
    ///   - standard: the value of which nothing is said.
    ///   - holds: whether it is so.
    /// - Returns: the rule.
    static func idle(
      _ key: String, _ standard: JSONValue,
      when holds: @escaping @Sendable (Config) -> Bool = always
    ) -> Rule { Rule(key: key, kind: .idle(standard: standard), holds: holds) }

    static let always: @Sendable (Config) -> Bool = { _ in true }
  }

  /// The first of the file's settings that changes results in a way that is not here.
  ///
  /// - Parameters:
  ///   - config: the file.
  ///   - className: the class that reads it.
  /// - Returns: the error; nil where all is here.
  func refusal(_ config: Config, of className: String) -> FormatError? {
    for rule in rules where rule.holds(config) && (!rule.isOfOwnFiles || className == name) {
      guard case .among(let values) = rule.kind else { continue }
      do throws(FormatError) {
        try config.expect(rule.key, values)
      } catch {
        return error
      }
    }
    return nil
  }

  /// Settings of the file that do nothing, a line each.
  func notes(_ config: Config) -> [String] {
    rules.compactMap { rule in
      guard rule.holds(config), let value = config.value(rule.key), !value.isNull else {
        return nil
      }
      switch rule.kind {
      case .among: return nil
      case .told(let line): return line
      case .idle(let standard):
        let isStandard = value == standard || value.double != nil && value.double == standard.double
        return isStandard ? nil : "\(rule.key) \(JSON.write(value)) has no effect with \(name)"
      }
    }
  }
}

/// All classes whose files are read.
package enum SchedulerTable {
  /// The classes, those with a table of training steps first.
  package static let rows: [SchedulerRow] = [
    row("DDIMScheduler", [betas, spacing, clipped, ["set_alpha_to_one", zero]], [clipping]),
    row(
      "DDPMScheduler", [betas, spacing, clipped, ["variance_type", zero]],
      [
        clipping,
        [.among("variance_type", ["fixed_small", "fixed_small_log", "fixed_large"])],
      ]),
    row(
      "DEISMultistepScheduler",
      [
        betas, spacing, curves, thresholds, flows, shifts,
        ["algorithm_type", "lower_order_final", "solver_order", "solver_type"],
      ],
      [
        thresholding, idleShifts,
        [.own("algorithm_type", ["deis", "dpmsolver", "dpmsolver++"]), orders, types, flow],
      ]),
    row(
      "DPMSolverMultistepScheduler",
      [
        betas, spacing, curves, thresholds, flows, shifts, dpm,
        ["euler_at_final", "use_lu_lambdas", zero],
      ],
      [
        thresholding, idleShifts, learned, algorithms(["dpmsolver", "sde-dpmsolver"]),
        [
          orders, types, flow, wrongSign,
          .among("solver_order", [1, 2], when: { has($0, "algorithm_type", ["sde-dpmsolver"]) }),
        ],
      ]),
    row(
      "DPMSolverSDEScheduler", [betas, spacing, curves, ["noise_sampler_seed"]], [[notOfSamples]]),
    row(
      "DPMSolverSinglestepScheduler", [betas, curves, thresholds, flows, shifts, dpm],
      [
        thresholding, idleShifts, learned, algorithms(["dpmsolver"]),
        [orders, types, flow, wrongSign],
      ]),
    row("EulerAncestralDiscreteScheduler", [betas, spacing, [zero]], [[notOfSamples]]),
    row(
      "EulerDiscreteScheduler",
      [
        betas, spacing, curves, ends,
        ["final_sigmas_type", "interpolation_type", "timestep_type", zero],
      ],
      [
        idleEnds,
        [
          .among("interpolation_type", ["linear", "log_linear"]),
          .among("timestep_type", ["discrete", "continuous"]),
          .idle(
            "timestep_type", "discrete",
            when: { !has($0, "prediction_type", ["v_prediction"]) }),
        ],
      ]),
    row(
      "HeunDiscreteScheduler", [betas, spacing, curves, ["clip_sample", "clip_sample_range"]],
      [[idleRange]]),
    row("KDPM2AncestralDiscreteScheduler", [betas, spacing, curves], [[notOfSamples]]),
    row("KDPM2DiscreteScheduler", [betas, spacing, curves], [[notOfSamples]]),
    row("LCMScheduler", [betas, spacing, clipped, distillation], [clipping, distilled]),
    row("LMSDiscreteScheduler", [betas, spacing, curves], []),
    row(
      "PNDMScheduler", [betas, spacing, ["set_alpha_to_one", "skip_prk_steps"]], [[notOfSamples]]),
    row(
      "SASolverScheduler",
      [
        betas, spacing, curves, thresholds, flows,
        [
          "algorithm_type", "corrector_order", "lambda_min_clipped", "lower_order_final",
          "predictor_order", "tau_func", "variance_type",
        ],
      ],
      [
        thresholding, learned,
        [
          .among("predictor_order", [1, 2, 3, 4]), .among("corrector_order", [1, 2, 3, 4]), flow,
          .own("algorithm_type", ["data_prediction", "noise_prediction"]), .among("tau_func", []),
          idleFlow,
          .among(
            "thresholding", [false], when: { has($0, "algorithm_type", ["noise_prediction"]) }),
        ],
      ]),
    row(
      "TCDScheduler", [betas, spacing, clipped, distillation],
      [
        distilled,
        [
          .idle("timestep_scaling", 10), .idle("thresholding", false), .idle("clip_sample", false),
          .idle("clip_sample_range", 1), .idle("sample_max_value", 1),
          .idle("dynamic_thresholding_ratio", 0.995),
        ],
      ]),
    row(
      "UniPCMultistepScheduler",
      [
        betas, spacing, curves, thresholds, flows, shifts, ends,
        [
          "disable_corrector", "final_sigmas_type", "lower_order_final", "predict_x0",
          "shift_terminal", "solver_order", "solver_p", "solver_type", zero,
        ],
      ],
      [
        thresholding, idleEnds,
        [
          orders, types, flow, idleFlow, .among("use_dynamic_shifting", [false]),
          .idle("time_shift_type", "exponential"), .among("shift_terminal", []),
          .among("solver_p", []),
          .idle("thresholding", false, when: { has($0, "predict_x0", [false]) }),
        ],
      ]),
    row("EDMEulerScheduler", [edm, ends], [[.idle("num_train_timesteps", 1000)]]),
    row(
      "EDMDPMSolverMultistepScheduler",
      [
        edm, ends, thresholds,
        ["algorithm_type", "euler_at_final", "lower_order_final", "solver_order", "solver_type"],
      ],
      [
        thresholding,
        [
          .among("algorithm_type", ["dpmsolver++", "sde-dpmsolver++", "deis"]), orders, types,
          .among("solver_order", [1, 2], when: { has($0, "algorithm_type", ["sde-dpmsolver++"]) }),
          .idle("num_train_timesteps", 1000),
        ],
      ]),
    row(
      "FlowMatchEulerDiscreteScheduler",
      [
        curves, shifts,
        [
          "base_image_seq_len", "base_shift", "invert_sigmas", "max_image_seq_len", "max_shift",
          "num_train_timesteps", "shift", "shift_terminal", "stochastic_sampling",
        ],
      ],
      [
        [
          .idle("base_image_seq_len", 256), .idle("base_shift", 0.5), .idle("max_shift", 1.15),
          .idle("max_image_seq_len", 4096), .idle("time_shift_type", "exponential"),
        ]
      ]),
    row("FlowMatchHeunDiscreteScheduler", [["num_train_timesteps", "shift"]], []),
  ]

  /// The row of a class.
  package static func row(of name: String) -> SchedulerRow? { rows.first { $0.name == name } }

  private static func row(
    _ name: String, _ keys: [[String]], _ rules: [[SchedulerRow.Rule]]
  ) -> SchedulerRow {
    SchedulerRow(name: name, keys: keys.flatMap { $0 }.sorted(), rules: rules.flatMap { $0 })
  }

  // Settings that several classes share.
  private static let zero = "rescale_betas_zero_snr"
  private static let betas = [
    "num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas",
    "prediction_type",
  ]
  private static let spacing = ["timestep_spacing", "steps_offset"]
  private static let curves = ["use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas"]
  private static let thresholds = [
    "thresholding", "dynamic_thresholding_ratio", "sample_max_value",
  ]
  private static let clipped = thresholds + ["clip_sample", "clip_sample_range"]
  private static let flows = ["use_flow_sigmas", "flow_shift"]
  private static let shifts = ["use_dynamic_shifting", "time_shift_type"]
  private static let ends = ["sigma_max", "sigma_min"]
  private static let dpm = [
    "algorithm_type", "final_sigmas_type", "lambda_min_clipped", "lower_order_final",
    "solver_order", "solver_type", "variance_type",
  ]
  private static let distillation = [
    "original_inference_steps", "set_alpha_to_one", "timestep_scaling", zero,
  ]
  private static let edm = [
    "final_sigmas_type", "num_train_timesteps", "prediction_type", "rho", "sigma_data",
    "sigma_schedule",
  ]

  // What is said of them.
  private static let notOfSamples = SchedulerRow.Rule.own(
    "prediction_type", ["epsilon", "v_prediction"])
  private static let orders = SchedulerRow.Rule.among("solver_order", [1, 2, 3])
  private static let types = SchedulerRow.Rule.among(
    "solver_type", ["midpoint", "heun", "bh1", "bh2", "logrho"])
  private static let wrongSign = SchedulerRow.Rule(
    key: "solver_order",
    kind: .told(
      "solver_order 3 with sde-dpmsolver++ is diffusers', which has a wrong sign in its last term; "
        + "the sampler dpm++3m_sde has it right"),
    holds: { has($0, "algorithm_type", ["sde-dpmsolver++"]) && has($0, "solver_order", [3]) })
  private static let flow = SchedulerRow.Rule.among("use_flow_sigmas", [false])
  private static let idleFlow = SchedulerRow.Rule.idle("flow_shift", 1)
  private static let idleRange = SchedulerRow.Rule.idle(
    "clip_sample_range", 1, when: { !has($0, "clip_sample", [true]) })
  private static let thresholding: [SchedulerRow.Rule] = [
    .idle("dynamic_thresholding_ratio", 0.995, when: { !has($0, "thresholding", [true]) }),
    .idle("sample_max_value", 1, when: { !has($0, "thresholding", [true]) }),
  ]
  /// Where `thresholding` is on, the range is not looked at.
  private static let clipping =
    thresholding + [
      .idle(
        "clip_sample_range", 1,
        when: { has($0, "thresholding", [true]) || has($0, "clip_sample", [false]) })
    ]
  private static let idleShifts: [SchedulerRow.Rule] = [
    idleFlow, .idle("use_dynamic_shifting", false), .idle("time_shift_type", "exponential"),
  ]
  private static let idleEnds: [SchedulerRow.Rule] = ends.map { key in
    SchedulerRow.Rule.idle(
      key, .null, when: { config in !curves.contains { has(config, $0, [true]) } })
  }
  /// Timesteps are those of distillation, and the last step ends at a model's own answer.
  private static let distilled: [SchedulerRow.Rule] = [
    .idle("timestep_spacing", "leading"), .idle("set_alpha_to_one", true),
  ]
  /// Diffusers takes three channels of such a model's answer, whatever it has.
  private static let learned: [SchedulerRow.Rule] = [
    .among(
      "variance_type", [],
      when: {
        has($0, "variance_type", ["learned", "learned_range"])
          && !has($0, "prediction_type", ["v_prediction", "sample"])
      }),
    .idle("variance_type", .null),
  ]

  /// Solvers of the clean latent, and of the noise where the last step leaves some.
  private static func algorithms(_ ofNoise: [JSONValue]) -> [SchedulerRow.Rule] {
    let known: [JSONValue] = ["dpmsolver++", "sde-dpmsolver++", "deis"]
    return [
      .among("algorithm_type", known + ofNoise),
      .among("algorithm_type", known, when: { !has($0, "final_sigmas_type", ["sigma_min"]) }),
    ]
  }

  /// Whether a setting has one of some values.
  @Sendable private static func has(_ config: Config, _ key: String, _ values: [JSONValue]) -> Bool
  {
    config.value(key).map(values.contains) ?? false
  }
}

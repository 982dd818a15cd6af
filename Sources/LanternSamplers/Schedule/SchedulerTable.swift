import LanternFormats

/// The scheduler classes whose configurations are read.
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
          orders, types, wrongSign,
          .among(
            "use_flow_sigmas", [false], when: { !has($0, "prediction_type", ["flow_prediction"]) }),
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
    row(
      "SCMScheduler", [["num_train_timesteps", "prediction_type", "sigma_data"]],
      [[.own("prediction_type", ["trigflow"]), .idle("sigma_data", 0.5)]]),
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
          .idle("base_image_seq_len", 256, when: isFixed), .idle("base_shift", 0.5, when: isFixed),
          .idle("max_shift", 1.15, when: isFixed),
          .idle("max_image_seq_len", 4096, when: isFixed),
          .idle("time_shift_type", "exponential", when: isFixed),
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
}

import Foundation
import LanternFormats
import LanternPlatform
import LanternSamplers
import LanternTensor
import TestSupport

/// What diffusers or k-diffusion does, as stored by `tools/fixtures/samplers.py` or `k_samplers.py`.
struct DiffusersFixture {
  private let file: SafetensorsFile
  let bias: Tensor

  /// Files that were opened: every case of a suite asks for its own.
  private static let opened = Locked<[String: SafetensorsFile]>([:])

  init(_ name: String = "samplers.safetensors") throws {
    file = try Self.opened { opened in
      let found = try opened[name] ?? SafetensorsFile(fixture(name))
      opened[name] = found
      return found
    }
    bias = try Self.tensor("bias", in: file)
  }

  func tensor(_ name: String) throws -> Tensor { try Self.tensor(name, in: file) }

  func has(_ name: String) -> Bool { file.contains(name) }

  private static func tensor(_ name: String, in file: SafetensorsFile) throws -> Tensor {
    guard let tensor = try file.tensor(name) else {
      throw FormatError.missingTensor(name: name, file: file.path)
    }
    return tensor
  }

  /// A text of JSON that came with the tensors.
  func json(_ name: String) throws -> JSONValue {
    let bytes = Array((file.metadata[name] ?? "").utf8)
    return try bytes.withUnsafeBytes { try JSON.parse($0, file: "\(name) of \(file.path)") }
  }

  /// Runs of a sampler.
  func runs(_ name: String, of sampler: String) throws -> [Run] {
    try (json(name).array ?? []).enumerated().compactMap { number, value in
      let run = try Run(number: number, value.object ?? [:])
      return run.sampler == sampler ? run : nil
    }
  }

  /// One run of a pipeline of diffusers, or the plan of one.
  struct Run: CustomStringConvertible {
    let number: Int
    let sampler: String
    let config: [String: JSONValue]
    let steps: Int
    let spacing: Spacing?
    let guidance: Float
    let seed: UInt64
    let every: Int
    let strength: Double?
    let eta: Float?

    init(number: Int, _ object: [String: JSONValue]) throws {
      self.number = number
      let settings = Config(object, file: "run \(number)")
      sampler = try settings.string("sampler")
      config = object["config"]?.object ?? [:]
      steps = try settings.integer("steps")
      spacing = try settings.optionalString("spacing").flatMap(Spacing.init)
      guidance = try settings.float("guidance", default: 1)
      seed = UInt64(try settings.integer("seed", default: 42))
      every = try settings.integer("every", default: 1)
      strength = try settings.optionalDouble("strength")
      eta = try settings.optionalDouble("eta").map { Float($0) }
    }

    var description: String {
      "run \(number): \(sampler), \(steps) steps, \(spacing?.rawValue ?? "model's own spacing"), "
        + "strength \(strength ?? 1), guidance \(guidance), \(JSON.write(.object(config)))"
    }
  }

  /// The script's stand-in for a U-Net; with guidance its latents are twice the same.
  func model(_ latent: Tensor, _ timestep: Float) throws -> Tensor {
    let bias = try self.bias.floats()
    let isTwice = latent.shape[0] == 2
    let values = try latent.floats().enumerated().map { index, x in
      let prompt: Float = isTwice && index < bias.count ? -1 : 1
      let wave = sin(2 * x + timestep / 300)
      return 0.6 * x + 0.3 * wave
        + (0.2 * timestep / 1000 + 0.05 * prompt) * bias[index % bias.count]
    }
    return try Tensor(values, shape: latent.shape)
  }
}

/// The settings of a model's folder.
func schedule(
  _ config: [String: JSONValue], correctsForLatents: Bool = true
) throws -> NoiseSchedule {
  try NoiseSchedule(
    Config(config, file: "scheduler_config.json"), correctsForLatents: correctsForLatents)
}
